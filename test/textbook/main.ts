/**
 * `npm run textbook`: makes the textbook experiment on MNIST, and from it the committed page coordinator/textbook/TEXTBOOK.md
 * with its pictures. The same data set gives the same files.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localSite } from '../../coordinator/run/local-site.js';
import { nodeMeans } from '../../coordinator/run/node-means.js';
import { makeTextbook } from '../../coordinator/textbook/textbook.js';
import { nativeKernels } from '../../worker/native/native-kernels.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { lessonMarkdown } from './markdown.js';

const folder = fileURLToPath(new URL('../../../coordinator/textbook/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'lockstep-textbook-'));
try {
  const platform = nodePlatform({ backend: (await nativeKernels({})) ?? undefined });
  const site = localSite(platform.cores);
  const wish = new AbortController().signal;
  const means = { ...nodeMeans, platform, site, wish, emit: () => {} };
  const { lesson } = await makeTextbook({ out: join(scratch, 'textbook'), dataset: 'mnist' }, means);
  rmSync(join(folder, 'pictures'), { recursive: true, force: true });
  cpSync(join(scratch, 'textbook', 'pictures'), join(folder, 'pictures'), { recursive: true });
  writeFileSync(join(folder, 'TEXTBOOK.md'), lessonMarkdown(lesson));
  console.log(`written: ${folder}TEXTBOOK.md and its pictures`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
