/** A run directory in memory, as a reader finds it while another process writes it. It uses no clock. */
import { basename, dirname } from 'node:path';
import { encodeCheckpoint, freeze, ownerOf } from '../../../coordinator/archive/checkpoint-file.js';
import { checkpointName } from '../../../coordinator/archive/checkpoints.js';
import type { ConfigFile, MetricsLine } from '../../../coordinator/archive/config.js';
import { littleEndianBytes } from '../../../coordinator/archive/floats.js';
import type { Processes } from '../../../coordinator/archive/lock.js';
import { encodeModel } from '../../../coordinator/archive/model-file.js';
import type { ReadableFiles } from '../../../coordinator/view/readable-files.js';
import { type LookListener, RecordedRun } from '../../../coordinator/view/recorded-run.js';
import { config, line, snapshot, vector } from '../archive/samples.js';

export const directory = '/runs/one';

export class WrittenRun implements ReadableFiles {
  private readonly files = new Map<string, { bytes: Uint8Array; edition: number }>();
  private editions = 0;
  /** The names of the files that were read as a whole, in order. */
  readonly reads: string[] = [];

  constructor() {
    this.put('config.json', JSON.stringify(config));
    this.put('metrics.jsonl', '');
  }

  put(name: string, content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    this.files.set(`${directory}/${name}`, { bytes, edition: ++this.editions });
  }

  remove(name: string): void {
    this.files.delete(`${directory}/${name}`);
  }

  /** Writes metrics.jsonl with a line for each of these steps. */
  putSteps(from: number, to: number, more: (step: number) => Partial<MetricsLine> = () => ({})): void {
    const lines = Array.from({ length: to - from + 1 }, (_, i) => ({ ...line(from + i), ...more(from + i) }));
    this.put('metrics.jsonl', lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
  }

  /** Writes an undamaged checkpoint whose weights are `vector(step)`. */
  async putCheckpoint(step: number, of: ConfigFile = config): Promise<void> {
    this.put(
      `checkpoints/${checkpointName(step)}`,
      Buffer.concat(await encodeCheckpoint(ownerOf(of), freeze(snapshot(step)))),
    );
  }

  /** Writes model.safetensors with the weights `vector(step)`. */
  async putModel(step: number): Promise<void> {
    this.put('model.safetensors', Buffer.concat(await encodeModel(config, littleEndianBytes(vector(step)))));
  }

  async list(path: string): Promise<string[]> {
    const inside = [...this.files.keys()].filter((name) => name.startsWith(`${path}/`));
    if (inside.length === 0) throw absent(path);
    return [...new Set(inside.map((name) => name.slice(path.length + 1).split('/')[0]))];
  }

  async read(path: string): Promise<Uint8Array> {
    const file = this.files.get(path);
    if (file === undefined) throw absent(path);
    this.reads.push(basename(path));
    return file.bytes.slice();
  }

  async readSome(path: string, from: number, bytesMax: number): Promise<Uint8Array> {
    const file = this.files.get(path);
    if (file === undefined) throw absent(path);
    return file.bytes.slice(from, from + bytesMax);
  }

  async edition(path: string): Promise<string | null> {
    const file = this.files.get(path);
    return file === undefined ? null : String(file.edition);
  }
}

function absent(path: string): Error {
  return Object.assign(new Error(`ENOENT: ${dirname(path)}`), { code: 'ENOENT' });
}

/** Of all processes of this machine, only process 7 is running. */
export const processes: Processes = {
  own: { pid: 1, start: '0', host: 'here' },
  isAlive: ({ pid }) => pid === 7,
};

export const locks = { alive: 'lock.7.0.here', dead: 'lock.8.0.here', elsewhere: 'lock.8.0.there' };

/** Keeps what the looks at a run find. */
export class Heard implements LookListener {
  steps: number[] = [];
  restarts = 0;
  readonly faults: string[] = [];

  restarted(): void {
    this.restarts += 1;
    this.steps = [];
  }

  stepped({ step }: MetricsLine): void {
    this.steps.push(step);
  }

  faulty(message: string): void {
    this.faults.push(message);
  }
}

export function openRecorded(files: WrittenRun): Promise<RecordedRun> {
  return RecordedRun.open(directory, files, processes);
}
