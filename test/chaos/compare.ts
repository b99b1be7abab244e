/** Compares a run with an undisturbed one: it must have each step once, with the same numbers, bit for bit. */
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { MetricsLine, Summary } from '../../coordinator/archive/config.js';

/** The fields that depend on the workers and on their speed. */
type Circumstance = 'samplesPerSecond' | 'workers' | 'bytesSent' | 'bytesReceived';

/** The fields that must be the same in both runs. */
const promised = [
  'step',
  'epoch',
  'loss',
  'trainAccuracy',
  'testLoss',
  'testAccuracy',
  'weightsSha256',
] as const satisfies Exclude<keyof MetricsLine, Circumstance>[];

/** Throws an Error that names the first difference. Otherwise returns the weights hash of both runs. */
export async function compareRuns(run: string, quiet: string): Promise<string> {
  const [a, b] = [run, quiet].map((directory) => metricsOf(directory));
  for (let step = 1; ; step++) {
    const [x, y] = [(await a.next()).value, (await b.next()).value];
    if (x === undefined && y === undefined) break;
    for (const field of promised) {
      if (x?.[field] === y?.[field] && (field !== 'step' || x?.step === step)) continue;
      throw new Error(`line ${step} of the metrics: ${field} is ${x?.[field]}, that of the quiet run ${y?.[field]}`);
    }
  }
  const [hash, expected] = [run, quiet].map((directory) => summaryOf(directory).weightsSha256);
  if (hash !== expected) throw new Error(`the weights are ${hash}, those of the quiet run ${expected}`);
  return hash;
}

function summaryOf(directory: string): Summary {
  return JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8'));
}

async function* metricsOf(directory: string): AsyncGenerator<MetricsLine, undefined> {
  const lines = createInterface(createReadStream(join(directory, 'metrics.jsonl')));
  for await (const line of lines) yield JSON.parse(line);
  return undefined;
}
