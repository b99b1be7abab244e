/** The known-answer test in the shells of JavaScriptCore and SpiderMonkey, the engines of Safari and Firefox. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arithmetic } from '../../shared/arithmetic/identity.js';
import { javaScriptCoreShell, NotInstalled, node, spiderMonkeyShell } from './engine.js';
import { bundleKnownAnswer, knownAnswerIn } from './known-answer.js';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-engines-'));
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
    expect(await knownAnswerIn(engine(), script)).toBe(arithmetic.knownAnswer);
  } catch (error) {
    if (error instanceof NotInstalled) skip(error.message);
    throw error;
  }
});
