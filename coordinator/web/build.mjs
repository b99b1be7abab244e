/**
 * Bundles what browsers are served into dist/web: each script on its own, so that a page needs no import map and a
 * worker no page; beside them the pages, their styles and the kernel binary. Also makes the page of an exported model
 * and that of the textbook experiment, each of which is one file, without their content.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));
const out = `${root}dist/web`;
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** Compiled modules, each of which becomes one script of the same name. */
const scripts = [
  'worker/browser/join.js',
  'worker/browser/join-page.js',
  'worker/browser/join-session.js',
  'worker/browser/join-compute.js',
  'coordinator/page/dashboard.js',
  'coordinator/page/compare.js',
  'coordinator/page/classifier-worker.js',
];

/** Served as they are. */
const files = [
  'worker/browser/join.html',
  'worker/browser/join-page.css',
  'coordinator/page/index.html',
  'coordinator/page/compare.html',
  'coordinator/page/theme.css',
  'coordinator/page/panels.css',
  'coordinator/page/pictures.css',
  'coordinator/page/dashboard.css',
  'coordinator/page/compare.css',
  'coordinator/page/icon.svg',
  'node_modules/uplot/dist/uPlot.min.css',
  'dist/shared/arithmetic/webassembly/kernels.wasm',
];

const kernels = readFileSync(`${root}dist/shared/arithmetic/webassembly/kernels.wasm`);
const kernelsSha256 = createHash('sha256').update(kernels).digest('hex');

const options = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  define: { lockstepVersion: JSON.stringify(version), kernelsSha256: JSON.stringify(kernelsSha256) },
  minify: true,
  legalComments: 'eof',
  logLevel: 'warning',
};

/** A page with its styles and its icon in it. */
function styledPage(name) {
  const read = (file) => readFileSync(`${root}coordinator/page/${file}`, 'utf8');
  return readFileSync(`${root}coordinator/page/${name}.html`, 'utf8')
    .replace(/<link rel="stylesheet" href="(.*?)" \/>/g, (_, file) => `<style>\n${read(file)}</style>`)
    .replace(/href="(.*?\.svg)"/, (_, file) => `href="data:image/svg+xml,${encodeURIComponent(read(file))}"`);
}

/** The same with its script. The script has the kernel binary in it. */
async function wholePage(name) {
  const entryPoints = [`${root}dist/coordinator/page/${name}.js`];
  const bundle = await build({ ...options, entryPoints, loader: { '.wasm': 'binary' }, write: false });
  return styledPage(name).replace(/ src="(.*?)">/, () => `>\n${bundle.outputFiles[0].text}`);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  ...options,
  entryPoints: scripts.map((path) => `${root}dist/${path}`),
  outdir: out,
  entryNames: '[name]',
});
writeFileSync(`${root}dist/coordinator/export/model-page.html`, await wholePage('model-page'));
writeFileSync(`${root}dist/coordinator/textbook/textbook.html`, styledPage('textbook'));
for (const path of files) cpSync(`${root}${path}`, `${out}/${basename(path)}`);

// Compressed once, here: browsers accept brotli from a secure context only, gzip everywhere.
for (const name of readdirSync(out)) {
  const bytes = readFileSync(`${out}/${name}`);
  writeFileSync(`${out}/${name}.br`, brotliCompressSync(bytes));
  writeFileSync(`${out}/${name}.gz`, gzipSync(bytes, { level: 9 }));
}
