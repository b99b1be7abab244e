/**
 * One run of a few shards with one worker. It sends what a coordinator would send, in a fixed order, and checks the
 * answers. `conform.ts` makes one conversation for each connection.
 */
import { arithmetic } from '../../shared/arithmetic/identity.js';
import { welcomeRunOf } from '../../shared/compute/welcome-run.js';
import { type EvaluationSet, sizeOf } from '../../shared/data/dataset.js';
import { limits } from '../../shared/limits.js';
import { outputWidth } from '../../shared/model/parameters.js';
import { patience } from '../../shared/pool/member.js';
import { rootShard, type Shard } from '../../shared/pool/tree.js';
import { type Hello, protocolVersion, type Welcome } from '../../shared/protocol/messages.js';
import { version } from '../version.js';
import { diagnosis, knownAnswerDiagnosis } from './diagnosis.js';
import { difference, differentPrediction } from './difference.js';
import type { StepPlace } from './oracle.js';
import type { Peer } from './peer.js';
import type { CheckReport } from './report.js';
import { RunSide } from './run-side.js';
import type { Trial } from './trials.js';

/** The longest times that the worker may take for each answer. */
export interface Waits {
  readonly helloMs: number;
  readonly prepareMs: number;
  readonly shardMs: number;
  readonly pongMs: number;
  readonly closeMs: number;
  /** If the worker does not connect again within this time, it counts as gone. */
  readonly awayMs: number;
}

export const waits: Waits = {
  helloMs: limits.helloMsMax,
  prepareMs: limits.prepareMsMax,
  shardMs: patience.firstLeaseMs,
  pongMs: patience.silenceMs,
  closeMs: limits.conformCloseMsMax,
  awayMs: limits.conformAwayMs,
};

/** This id has more than 16 bits. A worker may handle only smaller ids by mistake. */
const pingId = 70_001;

export interface Expectations {
  /** SHA-256 of the right known answer (E6). */
  readonly knownAnswer: string;
  /** Computes a SHA-256 in lowercase hex. */
  readonly sha256: (bytes: Uint8Array) => string;
  readonly waits: Waits;
}

export class Conversation {
  private readonly side: RunSide;

  constructor(
    private readonly peer: Peer,
    private readonly trial: Trial,
    private readonly report: CheckReport,
    private readonly expectations: Expectations,
  ) {
    this.side = new RunSide(peer, trial.run);
  }

  /** Plays the whole trial except its end. */
  async play(): Promise<void> {
    await this.join();
    const { order } = this.side.oracle;
    const last = order.stepsPerEpoch - 1;
    this.side.sendWeights('whole');
    await this.check('one slot (E2)', { epoch: 0, stepInEpoch: 0 }, { lo: 0, size: 1 });
    const root = rootShard(order.slotsIn(0));
    await this.check(`a shard of ${order.slotsIn(0)} slots (E3)`, { epoch: 0, stepInEpoch: 0 }, root);
    this.side.sendWeights('changes');
    await this.check('changed weights, sent as a difference', { epoch: 0, stepInEpoch: 0 }, { lo: 4, size: 2 });
    this.side.sendAhead();
    const rest = { epoch: 1, stepInEpoch: last };
    await this.check('the last step of the next epoch (E1)', rest, rootShard(order.slotsIn(last)));
    await this.evaluate('test');
    if (this.trial.run.validation !== undefined) await this.evaluate('validation');
    this.side.sendWeights('whole');
    await this.several();
  }

  /** Tells the worker that the run is interrupted, and checks that the connection is closed. */
  async interrupt(): Promise<void> {
    this.peer.send({ type: 'end', reason: 'interrupted', again: true, message: 'Come back: the next run follows.' });
    await this.close('closes after `end`');
  }

  /** Tells the worker, while it computes a shard, that the run is over. Checks that the connection is closed. */
  async finish(): Promise<void> {
    this.side.lease('gradient', { epoch: 3, stepInEpoch: 0 }, rootShard(this.side.oracle.order.slotsIn(0)));
    this.peer.send({ type: 'end', reason: 'finished', again: false, message: 'All is checked.' });
    await this.close('closes after `end`, which comes while it computes');
  }

  private async close(check: string): Promise<void> {
    this.peer.close(1000);
    await this.peer.expectClose('the connection to be closed after `end`', this.expectations.waits.closeMs);
    this.report.passed(check);
  }

  /** Sends a ping with an unknown field, and checks that the worker refuses it and closes the connection. */
  async provoke(): Promise<void> {
    const ping = { type: 'ping' as const, id: 1, colour: 'red' };
    this.peer.send(ping);
    const code = await this.refusal();
    this.conclude('refuses an unknown field', code === 'field-invalid' ? null : `it says ${code}, not field-invalid`);
    this.peer.close(1000);
    await this.peer.expectClose('the connection to be closed after a failure', this.expectations.waits.closeMs);
  }

  /** Waits for the worker's refusal. An answer to the cancelled lease may come before it. */
  private async refusal(): Promise<string> {
    const { closeMs } = this.expectations.waits;
    const types = ['failure', 'gradient', 'result'] as const;
    for (;;) {
      const { message } = await this.peer.expect(types, 'a refusal of a ping with an unknown field', closeMs);
      if (message.type === 'failure') return message.code;
    }
  }

  // ---- joining ----

  private async join(): Promise<void> {
    const { helloMs, prepareMs } = this.expectations.waits;
    const { message: hello } = await this.peer.expect(['hello'], '`hello`', helloMs);
    this.report.note(describe(hello));
    this.conclude('the name of the arithmetic', misnamed(hello.arithmetic));
    this.peer.send(this.welcome());
    const { message: ready } = await this.peer.expect(['ready'], '`ready`', prepareMs);
    this.compareKnownAnswer(ready.knownAnswer);
  }

  private compareKnownAnswer(got: string): void {
    const { knownAnswer, sha256 } = this.expectations;
    const wrong =
      `wanted ${knownAnswer}, got ${got}; a coordinator would refuse this worker. ` +
      'Compare your stages with shared/vectors/known-answer.json';
    this.conclude('the known answer (E6)', got === knownAnswer ? null : wrong);
    if (got !== knownAnswer) this.noteMistake(knownAnswerDiagnosis(got, sha256));
  }

  private welcome(): Welcome {
    const { model, train, validation, test } = this.trial.run;
    const sha256 = '00'.repeat(32);
    const sizes = { train, ...(validation !== undefined && { validation }), test };
    const data = { name: 'conform', shape: model.input, classes: outputWidth(model), ...sizes, sha256 };
    const run = { run: 'conform', member: 1, data, ...welcomeRunOf(this.trial.run) };
    return { type: 'welcome', protocol: protocolVersion, version, ...run, heartbeatMs: patience.pingMs };
  }

  // ---- checks ----

  private async check(name: string, place: StepPlace, shard: Shard): Promise<void> {
    const lease = this.side.lease('gradient', place, shard);
    await this.side.answers([lease], name, this.expectations.waits.shardMs);
    this.compareGradient(name, lease, place, shard);
  }

  private compareGradient(name: string, lease: number, place: StepPlace, shard: Shard): void {
    const { run } = this.trial;
    const { oracle, samples, weightsBefore } = this.side;
    const got = this.side.answerTo(lease).sum;
    const fault = difference(run.model, oracle.gradient(place, shard), got);
    this.conclude(name, fault);
    if (fault === null) return;
    this.noteMistake(
      diagnosis({ run, train: samples.train, weights: oracle.weights, weightsBefore, place, shard }, got),
    );
  }

  private noteMistake(sentence: string | null): void {
    if (sentence !== null) this.report.note(`It has the bits of a known mistake: ${sentence}`);
  }

  private async evaluate(set: EvaluationSet): Promise<void> {
    const { oracle } = this.side;
    const shard = rootShard(oracle.slotsOf(set));
    const work = set === 'test' ? 'evaluation' : 'validation';
    const lease = this.side.lease(work, { epoch: 0, stepInEpoch: 0 }, shard);
    const article = set === 'test' ? 'an' : 'a';
    await this.side.answers([lease], `${article} ${work}`, this.expectations.waits.shardMs);
    const { sum, predictions } = this.side.answerTo(lease);
    const wanted = oracle.evaluation(shard, set);
    const fault =
      difference(this.trial.run.model, wanted.sums, sum) ?? differentPrediction(set, wanted.predictions, predictions);
    this.conclude(`${article} ${work} of ${sizeOf(this.trial.run, set)} samples`, fault);
  }

  /** Sends three leases, cancels one of them and one that does not exist, and sends a ping after that. */
  private async several(): Promise<void> {
    const { pongMs, shardMs } = this.expectations.waits;
    const place = { epoch: 2, stepInEpoch: 0 };
    const shards = [0, 1, 2].map((lo) => ({ lo, size: 1 }));
    const [first, second, third] = shards.map((shard) => this.side.lease('gradient', place, shard));
    this.peer.send({ type: 'cancel', lease: second });
    this.peer.send({ type: 'cancel', lease: 0xffffffff });
    this.peer.send({ type: 'ping', id: pingId });
    this.peer.send({ type: 'progress', share: 1, spare: false, testAccuracy: null });
    await this.peer.expectPong(pingId, `a pong of id ${pingId}, behind three shards`, pongMs);
    this.report.passed('answers a ping while it has shards');
    const name = 'several shards at a time, one cancelled';
    await this.side.answers([first, third], name, shardMs);
    this.compareGradient(`${name}: the first`, first, place, shards[0]);
    this.compareGradient(`${name}: the last`, third, place, shards[2]);
  }

  private conclude(check: string, fault: string | null): void {
    if (fault === null) this.report.passed(check);
    else this.report.failed(check, fault);
  }
}

function misnamed(name: string): string | null {
  const { specification } = arithmetic;
  return name === specification ? null : `wanted "${specification}", got "${name}"; a coordinator would refuse it`;
}

function describe({ name, kind, version: of, threads, kernels }: Hello): string {
  return `worker "${name}": ${kind}, version ${of}, ${threads} threads, kernels ${kernels}`;
}
