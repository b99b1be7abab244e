/** The known answer in the shells of JavaScriptCore and SpiderMonkey: what Safari and Firefox compute. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { scalarKernels } from '../../shared/arithmetic/scalar.js';
import { reservedBytes } from '../../shared/arithmetic/webassembly/binary.js';
import { javaScriptCoreShell, NotInstalled, node, spiderMonkeyShell } from './engine.js';
import { bundleKnownAnswer, knownAnswerIn } from './known-answer.js';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-engines-'));
const memory = new WebAssembly.Memory({ initial: Math.ceil((reservedBytes + knownAnswerBytes) / 65_536) });
const expected = createHash('sha256')
  .update(knownAnswer(scalarKernels(memory), memory, reservedBytes))
  .digest('hex');
let script: string;
beforeAll(async () => {
  script = await bundleKnownAnswer(directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

test.for([
  { name: 'Node', engine: () => node },
  { name: 'SpiderMonkey', engine: spiderMonkeyShell },
  { name: 'JavaScriptCore', engine: javaScriptCoreShell },
])('$name gives the known answer', async ({ engine }, { skip }) => {
  try {
    expect(await knownAnswerIn(engine(), script)).toBe(expected);
  } catch (error) {
    if (error instanceof NotInstalled) skip(error.message);
    throw error;
  }
});
