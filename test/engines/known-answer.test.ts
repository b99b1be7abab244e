/** The known answer in the shells of JavaScriptCore and SpiderMonkey: what Safari and Firefox compute. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryStart } from '../../shared/arithmetic/backend.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { scalar } from '../shared/arithmetic/backends.js';
import { javaScriptCoreShell, NotInstalled, node, spiderMonkeyShell } from './engine.js';
import { bundleKnownAnswer, knownAnswerIn } from './known-answer.js';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-engines-'));
const memory = scalar.createMemory(memoryStart + knownAnswerBytes(scalar.sizes), false);
const expected = createHash('sha256')
  .update(knownAnswer(memory, scalar.sizes, memoryStart))
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
