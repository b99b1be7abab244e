/**
 * `npm run recovery`: measures the time to recover from each fault, by the messages on the wire and the log. Its
 * figures are in deploy/FAULTS.md.
 *
 * What this is not: a test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '../../shared/random.js';
import { describeEnvironment } from '../bench/environment.js';
import { summarise } from '../bench/statistics.js';
import { ranged, renderTable } from '../bench/table.js';
import { writeDigits } from '../digits-directory.js';
import { Observer } from './observer.js';
import { Program } from './program.js';
import { Relay } from './relay.js';
import { freePort } from './scene.js';

/** The time before each fault. During this time the fleet works, and the coordinator learns its speed. */
const restMs = 500;
const stallMs = 30_000;

/** A coordinator and its workers. All connections go through the relay. */
class Rig {
  readonly figures = new Map<string, number[]>();
  private coordinator_: Program | null = null;
  private started = 0;

  private constructor(
    readonly observer: Observer,
    private readonly relay: Relay,
    private readonly port: number,
    private readonly directory: string,
  ) {}

  static async set(directory: string): Promise<Rig> {
    writeDigits(join(directory, 'data'), { train: 10_000, test: 500 });
    const port = await freePort(new Random(process.pid));
    const relay = await Relay.open(port);
    const rig = new Rig(new Observer(relay), relay, port, directory);
    const coordinator = rig.start('--out', rig.out, '--batch', 256, '--epochs', 1_000_000);
    await coordinator.logs(({ msg }) => msg.startsWith('waiting for'));
    return rig;
  }

  get coordinator(): Program {
    if (this.coordinator_ === null) throw new Error('no coordinator was started');
    return this.coordinator_;
  }

  resume(): Program {
    return this.start('--resume', this.out);
  }

  /** Starts a worker. Resolves when the worker has received shards for `restMs`. */
  async worker(): Promise<{ name: string; worker: Program }> {
    const name = `w${++this.started}`;
    const leased = this.observer.sees((seen) => seen.worker === name && seen.message.type === 'shard');
    const words = ['worker', `ws://127.0.0.1:${this.relay.port}`, '--name', name, '--threads', 1];
    const worker = new Program(name, words);
    await leased;
    await pause(restMs);
    return { name, worker };
  }

  /** Drops all further messages between a worker and the coordinator. */
  silence(name: string): void {
    this.relay.silence(name);
  }

  note(what: string, ms: number): void {
    this.figures.set(what, [...(this.figures.get(what) ?? []), ms]);
    process.stderr.write(`${what}: ${ms.toFixed(1)} ms\n`);
  }

  close(): void {
    this.relay.close();
  }

  private get out(): string {
    return join(this.directory, 'run');
  }

  private start(...words: (string | number)[]): Program {
    const data = join(this.directory, 'data');
    const serving = ['coordinator', '--threads', 0, '--port', this.port, '--data', data];
    this.coordinator_ = new Program('the coordinator', [...serving, ...words]);
    return this.coordinator_;
  }
}

async function since(startMs: number, event: Promise<unknown>): Promise<number> {
  await event;
  return performance.now() - startMs;
}

const measurements: readonly ((rig: Rig) => Promise<void>)[] = [
  async function joinAndLeave(rig) {
    const { observer } = rig;
    const startMs = performance.now();
    const hello = observer.sees(({ message }) => message.type === 'hello');
    const shard = hello.then(({ worker }) => observer.sees((x) => x.worker === worker && x.message.type === 'shard'));
    const { name, worker } = await rig.worker();
    rig.note('worker: start of the process to its hello', (await hello).atMs - startMs);
    rig.note('worker: hello to its first shard', (await shard).atMs - (await hello).atMs);
    const left = rig.coordinator.logs(({ msg }) => msg.startsWith(`${name} left`));
    worker.signal('SIGINT');
    rig.note('worker interrupted: it has handed back its shards', await since(performance.now(), left));
    await worker.ended;
  },

  async function killed(rig) {
    const { name, worker } = await rig.worker();
    const released = await rig.observer.untilReleased(name, () => worker.signal('SIGKILL'));
    rig.note('worker killed: its shards are leased to others', released);
  },

  async function stopped(rig) {
    const { name, worker } = await rig.worker();
    const { observer, coordinator } = rig;
    const out = coordinator.logs(({ msg }) => msg.startsWith(`${name} is out`));
    const released = await observer.untilReleased(name, () => worker.signal('SIGSTOP'));
    const startMs = performance.now() - released;
    rig.note('worker stopped: its shards are leased to others', released);
    rig.note('worker stopped: it is evicted', await since(startMs, out));
    const again = observer.sees((seen) => seen.worker === name && seen.message.type === 'shard');
    worker.signal('SIGCONT');
    rig.note('worker continued after its eviction: it is given a shard', await since(performance.now(), again));
    worker.signal('SIGKILL');
  },

  async function halfOpen(rig) {
    const { name, worker } = await rig.worker();
    const { observer, coordinator } = rig;
    const out = coordinator.logs(({ msg }) => msg.startsWith(`${name} is out`));
    const released = await observer.untilReleased(name, () => rig.silence(name));
    const startMs = performance.now() - released;
    rig.note('link silent: its shards are leased to others', released);
    rig.note('link silent: the worker is evicted', await since(startMs, out));
    worker.signal('SIGKILL');
  },

  async function coordinatorKilled(rig) {
    const { observer } = rig;
    rig.coordinator.signal('SIGKILL');
    await rig.coordinator.ended;
    const { newestStep } = observer;
    const startMs = performance.now();
    const shard = observer.sees(({ message }) => message.type === 'shard');
    const ahead = observer.sees(({ message }) => message.type === 'shard' && message.step > newestStep);
    rig.resume();
    rig.note('coordinator killed and resumed: the first shard', await since(startMs, shard));
    rig.note('coordinator killed and resumed: the first step that is new', await since(startMs, ahead));
    await pause(restMs);
  },
];

/**
 * Stops the coordinator for 30 seconds and continues it. No worker may be evicted because of that. This is measured
 * only once, because it takes long.
 */
async function coordinatorStopped(rig: Rig): Promise<void> {
  const { observer, coordinator } = rig;
  coordinator.watch(({ msg }) => {
    if (/ is out/.test(msg)) throw new Error(`a worker was evicted for the coordinator's own stall: ${msg}`);
  });
  coordinator.signal('SIGSTOP');
  await pause(stallMs);
  const { newestStep } = observer;
  const ahead = observer.sees(({ message }) => message.type === 'shard' && message.step > newestStep);
  coordinator.signal('SIGCONT');
  rig.note(
    `coordinator stopped for ${stallMs / 1000} s and continued: the next step`,
    await since(performance.now(), ahead),
  );
  await pause(restMs);
}

const rounds = Number(process.argv[2] ?? 5);
const directory = mkdtempSync(join(tmpdir(), 'lockstep-recovery-'));
const rig = await Rig.set(directory);
await rig.worker();
await rig.worker();
for (let round = 0; round < rounds; round++) for (const measure of measurements) await measure(rig);
await coordinatorStopped(rig);
const interruptedMs = performance.now();
rig.coordinator.signal('SIGINT');
rig.note('coordinator interrupted: it has ended', await since(interruptedMs, rig.coordinator.ended));
rig.close();
rmSync(directory, { recursive: true });

const root = fileURLToPath(new URL('../../..', import.meta.url));
for (const [what, value] of (await describeEnvironment(root, [])).slice(0, 6))
  process.stdout.write(`${what}: ${value}\n`);
const rows = Array.from(figures(), ([what, ms]) => [what, `${ms}`]);
const table = { title: 'Recovery', columns: ['what', `ms: median (range) of ${rounds}`], rows };
process.stdout.write(`\n${renderTable(table)}\n`);
process.exit(0);

function* figures(): Iterable<[string, string]> {
  for (const [what, ms] of rig.figures) yield [what, ranged(summarise(ms), (x) => x.toFixed(x < 10 ? 1 : 0))];
}
