/** Starts coordinators for the tests in browsers, and trains the same runs with one worker for comparison. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockstep, type Running, scratch, smallDataset, summaryOf } from '../cli/fixture.js';

export interface Served {
  readonly coordinator: Running;
  readonly port: number;
  /** Resolves with the weights hash when the run is finished. */
  finished(): Promise<string>;
}

let data: string | null = null;
let runs = 0;

function options(steps: number): { words: (string | number)[]; out: string } {
  data ??= smallDataset();
  const out = join(scratch(), `browser-${runs++}`);
  const words = ['--data', data, '--epochs', 10_000, '--max-steps', steps, '--eval-every', 50, '--log-format', 'json'];
  return { words: [...words, '--out', out], out };
}

/** Starts a coordinator that only serves, on a free port. Resolves when it accepts workers. */
export async function serve(steps: number, ...words: (string | number)[]): Promise<Served> {
  const run = options(steps);
  const coordinator = lockstep('coordinator', '--threads', 0, '--port', 0, ...run.words, ...words);
  const [, port] = await coordinator.prints(/"port":(\d+),"msg":"waiting/);
  return { coordinator, port: Number(port), finished: () => hashOf(coordinator, run.out) };
}

const alone = new Map<string, Promise<string>>();

/** The weights hash after `steps` steps with only one worker. */
export function hashAlone(steps: number, ...words: (string | number)[]): Promise<string> {
  const key = [steps, ...words].join(' ');
  const known = alone.get(key) ?? trainAlone(steps, words);
  alone.set(key, known);
  return known;
}

function trainAlone(steps: number, more: readonly (string | number)[]): Promise<string> {
  const { words, out } = options(steps);
  return hashOf(lockstep('train', '--workers', 1, ...words, ...more), out);
}

/** Writes a file that contains the token. Returns its path. */
export function tokenFile(token: string): string {
  const path = join(scratch(), 'token');
  writeFileSync(path, token, { mode: 0o600 });
  return path;
}

async function hashOf(program: Running, out: string): Promise<string> {
  const { code, stderr } = await program.ended;
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
  return summaryOf(out).weightsSha256;
}
