/**
 * Drives a worker: session.ts decides, the machine computes, and this file carries bytes between them and a socket. It is
 * the same in Node, in a browser and in a simulation: the platform is handed in, and nothing here waits or reads a clock
 * by itself.
 */
import type { Platform } from '../shared/compute/platform.js';
import { decodeFromCoordinator, encodeFrame, encodeFrameFrom } from '../shared/protocol/codec.js';
import { type ProtocolErrorCode, protocolErrors } from '../shared/protocol/errors.js';
import { FrameBuffers } from '../shared/protocol/frame-buffers.js';
import type { ShardLease, Welcome } from '../shared/protocol/messages.js';
import type { Random } from '../shared/random.js';
import { type Answer, Assignment, type GradientParts } from './assignment.js';
import { Session } from './session.js';
import type { SessionConfig, SessionEffect, SessionEvent, SessionStatus } from './session-events.js';

/** One WebSocket to the coordinator, or its replacement in a simulation. */
export interface Socket {
  /** The frame must not change until `whenSent`, which is called once in any case. */
  send(frame: Uint8Array, whenSent: () => void): void;
  /** Sends what is queued, then closes. `closed` follows soon, even if the peer does not answer. */
  close(closeCode: number): void;
}

/**
 * Receives the events of a socket. There are no events before the call that opened it has returned, and none while `send`
 * is called.
 */
export interface SocketObserver {
  opened(): void;
  /** A whole message, empty if it was text; valid until the call returns. */
  received(frame: Uint8Array): void;
  /** Called once, as the last call. `error` is the reason where it is known. */
  closed(error: string | null): void;
}

/** The usual time between two calls of `tick`. */
export const tickMs = 100;

/** Slots that a worker computes for nobody while it waits for its first shard: after these, the code is warm. */
const rehearsalsMax = 5;

export interface DriverOptions {
  readonly session: SessionConfig;
  readonly random: Random;
  readonly platform: Platform;
  /** Opens a new socket to the coordinator. */
  readonly openSocket: (observer: SocketObserver) => Socket;
  readonly onStatus: (status: SessionStatus, lastError: string | null) => void;
  /** The worker has ended; the driver cannot be used again. */
  readonly onExit: (outcome: Outcome) => void;
}

/** How a worker ended. */
export interface Outcome {
  readonly ok: boolean;
  readonly message: string;
}

/** What a worker has done so far. */
export interface WorkDone {
  shards: number;
  /** Samples of the training set. A sample counts each time that it is used. */
  samples: number;
  bytesSent: number;
  bytesReceived: number;
}

/** What the coordinator has told about the run. */
export interface RunProgress {
  /** The step of the weights that the worker has. */
  step: number | null;
  /** See `Progress` in the protocol. */
  share: number | null;
  spare: boolean;
  testAccuracy: number | null;
}

export class SessionDriver {
  readonly done: WorkDone = { shards: 0, samples: 0, bytesSent: 0, bytesReceived: 0 };
  readonly progress: RunProgress = { step: null, share: null, spare: false, testAccuracy: null };
  private readonly session: Session;
  private readonly buffers = new FrameBuffers();
  private socket: Socket | null = null;
  private assignment: Assignment | null = null;
  /** The newest preparation. They run one after the other. Never rejects. */
  private preparation: Promise<void> = Promise.resolve();
  private ended = false;
  /** None once there was work. */
  private rehearsalsLeft = rehearsalsMax;
  /** When the newest shard was done. */
  private computedMs = Number.NEGATIVE_INFINITY;
  private payload: Uint8Array = new Uint8Array(0);
  private lastError: string | null = null;

  constructor(private readonly options: DriverOptions) {
    this.session = new Session(options.session, options.random);
  }

  /** Works until the run is over, the coordinator refuses the worker, or `stop` is called. */
  start(): void {
    this.send({ type: 'start', nowMs: this.nowMs });
  }

  tick(): void {
    this.send({ type: 'tick', nowMs: this.nowMs });
    this.rehearseIfIdle();
  }

  /** A worker that has the weights and no work yet waits for others. */
  private rehearseIfIdle(): void {
    const { assignment, progress } = this;
    if (this.rehearsalsLeft === 0 || assignment === null || assignment.isComputing || progress.step === null) return;
    this.rehearsalsLeft -= 1;
    assignment.rehearse();
  }

  /** Tries at once to reach the coordinator: the network may be back, or the machine may have woken up. */
  wake(): void {
    this.send({ type: 'wake', nowMs: this.nowMs });
  }

  /** Whether a shard is being computed now. */
  get isComputing(): boolean {
    return this.assignment?.isComputing ?? false;
  }

  /** Hands back its shards, and ends. */
  stop(): void {
    this.send({ type: 'stop', nowMs: this.nowMs });
  }

  private get nowMs(): number {
    return this.options.platform.nowMs();
  }

  private garbage(code: ProtocolErrorCode, detail: string): void {
    this.send({ type: 'garbage', code, detail, nowMs: this.nowMs });
  }

  private send(event: SessionEvent): void {
    for (const effect of this.session.step(event)) this.carryOut(effect);
  }

  private carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case 'connect':
        return this.connect();
      case 'send':
        return this.transmit(encodeFrame(effect.message));
      case 'close':
        return this.socket?.close(effect.code === null ? 1000 : protocolErrors[effect.code].closeCode);
      case 'prepare':
        return this.prepare(effect.welcome);
      case 'store-weights':
        this.progress.step = effect.weights.step;
        return this.check(this.assignment?.storeWeights(effect.weights, this.payload), 'payload-length');
      case 'store-samples':
        return this.check(this.assignment?.storeSamples(effect.samples, this.payload), 'payload-length');
      case 'compute':
        return this.compute(effect.shard);
      case 'cancel':
        return this.assignment?.cancel(effect.lease);
      case 'drop-work':
        return this.assignment?.cancelAll();
      case 'progress':
        this.progress.share = effect.progress.share;
        this.progress.spare = effect.progress.spare;
        this.progress.testAccuracy = effect.progress.testAccuracy;
        return;
      case 'status':
        return this.options.onStatus(effect.status, this.lastError);
      case 'exit':
        return this.exit(effect.ok, effect.message);
      default:
        effect satisfies never;
    }
  }

  private connect(): void {
    this.lastError = null;
    const current = (act: () => void) => {
      if (this.socket === socket) act();
    };
    const socket = this.options.openSocket({
      opened: () => current(() => this.send({ type: 'opened', nowMs: this.nowMs })),
      received: (frame) => current(() => this.receive(frame)),
      closed: (error) => current(() => this.closed(error)),
    });
    this.socket = socket;
  }

  private closed(error: string | null): void {
    this.socket = null;
    this.lastError = error;
    this.send({ type: 'closed', nowMs: this.nowMs });
  }

  private receive(frame: Uint8Array): void {
    this.done.bytesReceived += frame.length;
    const decoded = decodeFromCoordinator(frame);
    if ('error' in decoded) {
      this.garbage(decoded.error.code, decoded.error.message);
      return;
    }
    this.payload = decoded.payload;
    this.send({ type: 'message', message: decoded.message, nowMs: this.nowMs });
  }

  /** Reports a fault of the message at hand, if there is one. */
  private check(fault: string | null | undefined, code: ProtocolErrorCode): void {
    if (fault) this.garbage(code, fault);
  }

  /** Preparations run one after the other: a reconnect must not build a second machine at the same time. */
  private prepare(welcome: Welcome): void {
    const { socket } = this;
    this.preparation = this.preparation
      .then(() => this.assign(welcome))
      .then(
        ({ knownAnswer }) => {
          if (this.ended) this.assignment?.stop();
          else if (this.socket === socket) this.send({ type: 'prepared', knownAnswer, nowMs: this.nowMs });
        },
        (error: Error) => this.exit(false, error.message),
      );
  }

  /** A machine for the same run is used again, because its threads are already started. */
  private async assign(welcome: Welcome): Promise<Assignment> {
    if (this.assignment?.fits(welcome)) return this.assignment;
    this.assignment?.stop();
    this.assignment = null;
    const { platform, session } = this.options;
    const whenFailed = (error: Error) => this.exit(false, error.message);
    this.assignment = await Assignment.start(platform, welcome, session.threads, whenFailed);
    return this.assignment;
  }

  private compute(shard: ShardLease): void {
    const { assignment } = this;
    if (assignment === null) return;
    this.rehearsalsLeft = 0;
    const cameMs = this.nowMs;
    // When the newest tensor was computed. To send the last one is no part of `computeMs`.
    let summedMs = cameMs;
    const fault = assignment.compute(shard, {
      gradient: (parts) => {
        summedMs = this.nowMs;
        if (this.session.wants(shard.lease)) this.transmitGradient(shard.lease, parts);
      },
      result: (answer) => {
        // Shards are computed one after the other.
        const computeMs = summedMs - Math.max(cameMs, this.computedMs);
        this.computedMs = summedMs;
        if (this.session.answers(shard.lease)) this.transmitResult(shard.lease, computeMs, answer);
      },
    });
    this.check(fault, 'field-invalid');
  }

  private transmitGradient(lease: number, { first, end, partRoomBytes, packPart }: GradientParts): void {
    for (let part = first; part < end; part++) {
      const message = { type: 'gradient', lease, part } as const;
      const { frame, buffer } = encodeFrameFrom(this.buffers, message, partRoomBytes, (payload) =>
        packPart(part, payload),
      );
      this.transmit(frame, () => this.buffers.release(buffer));
    }
  }

  private transmitResult(lease: number, computeMs: number, { result, samples }: Answer): void {
    this.done.shards += 1;
    this.done.samples += samples;
    this.transmit(encodeFrame({ type: 'result', lease, computeMs }, ...result));
  }

  private transmit(frame: Uint8Array, whenSent: () => void = () => {}): void {
    if (this.socket === null) return whenSent();
    this.socket.send(frame, whenSent);
    this.done.bytesSent += frame.length;
  }

  private exit(ok: boolean, message: string): void {
    this.ended = true;
    this.assignment?.stop();
    this.socket?.close(1000);
    this.options.onExit({ ok, message });
  }
}
