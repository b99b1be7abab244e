/**
 * A C compiler for tests: a shell script that writes down how it is called and takes no time. It "links" by copying an
 * addon that has been built before.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class FakeCompiler {
  readonly path: string;
  private readonly log: string;

  /** `link` is a shell command that makes `kernels.node` in the working directory. */
  constructor(directory: string, link: string, compile = ':') {
    this.path = join(directory, 'fake-cc');
    this.log = join(directory, 'fake-cc.log');
    writeFileSync(this.log, '');
    const lines = [
      '#!/bin/sh',
      `echo "$1" >> '${this.log}'`,
      `case "$1" in --version) echo fake 1.0;; -c) ${compile};; *) ${link};; esac`,
    ];
    writeFileSync(this.path, `${lines.join('\n')}\n`);
    chmodSync(this.path, 0o755);
  }

  /** How often it has linked. */
  get linked(): number {
    return this.calls.filter((word) => word !== '--version' && word !== '-c').length;
  }

  /** How often it has compiled a file. */
  get compiled(): number {
    return this.calls.filter((word) => word === '-c').length;
  }

  /** How often it was asked for its version. */
  get asked(): number {
    return this.calls.filter((word) => word === '--version').length;
  }

  /** The first word of each call. */
  private get calls(): string[] {
    return readFileSync(this.log, 'utf8').split('\n').filter(Boolean);
  }
}
