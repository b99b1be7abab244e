/**
 * A process of the simulated cluster. It is one event loop, which makes one call after the other. It can be busy for a
 * while, be stopped and continued, sleep together with its machine, or die.
 */
import type { World } from './world.js';

export class Process {
  private state: 'running' | 'stopped' | 'dead' = 'running';
  private readonly inbox: (() => void)[] = [];
  /** Effects of a call, until the computing time of the call is over. They come before all further calls. */
  private readonly outbox: (() => void)[] = [];
  private isPumping = false;
  private busyUntilMs = 0;
  /** How far its clock is behind the world's. The clock stands still while the machine sleeps. */
  private sleptMs = 0;
  private fellAsleepMs: number | null = null;

  /** `afterwards` is called after every call that the process has made. */
  constructor(
    readonly world: World,
    readonly name: string,
    private readonly afterwards: () => void = () => {},
  ) {}

  get isDead(): boolean {
    return this.state === 'dead';
  }

  /** Its own monotonic clock. */
  readonly nowMs = (): number => this.localMs - this.sleptMs;

  /** The process computes for this time, and does nothing else meanwhile. */
  spend(ms: number): void {
    this.busyUntilMs = this.localMs + ms;
  }

  /** Calls `call` when the process is free. Calls keep their order. */
  post(call: () => void): void {
    if (this.isDead) return;
    this.inbox.push(call);
    this.pump();
  }

  after(ms: number, call: () => void): void {
    this.world.at(this.localMs + ms, () => this.post(call));
  }

  /** Calls `call` again and again. Like a timer, it does not catch up: at least `ms` lie between two calls. */
  every(ms: number, call: () => void): void {
    this.after(ms, () => {
      call();
      this.every(ms, call);
    });
  }

  /** Performs an effect outside of this process: at once, or when the computing before it is over. */
  emit(effect: () => void): void {
    if (this.isDead) return;
    if (this.localMs === this.world.nowMs && this.outbox.length === 0) return effect();
    this.outbox.push(effect);
    this.pump();
  }

  /** Stops the process like SIGSTOP. With `clockToo`, its clock stops as well, as on a machine that sleeps. */
  stop(clockToo: boolean): void {
    if (this.state !== 'running') return;
    this.state = 'stopped';
    this.fellAsleepMs = clockToo ? this.world.nowMs : null;
  }

  continue(): void {
    if (this.state !== 'stopped') return;
    this.state = 'running';
    if (this.fellAsleepMs !== null) this.sleptMs += this.world.nowMs - this.fellAsleepMs;
    this.fellAsleepMs = null;
    this.pump();
  }

  die(): void {
    this.state = 'dead';
    this.inbox.length = 0;
    this.outbox.length = 0;
  }

  private get localMs(): number {
    return Math.max(this.world.nowMs, this.busyUntilMs);
  }

  private pump(): void {
    if (this.isPumping || this.state !== 'running' || this.outbox.length + this.inbox.length === 0) return;
    this.isPumping = true;
    this.world.at(this.localMs, () => {
      this.isPumping = false;
      if (this.state === 'running') this.doNext();
      this.pump();
    });
  }

  private doNext(): void {
    this.world.unsettle();
    const effect = this.outbox.shift();
    if (effect !== undefined) return effect();
    this.inbox.shift()?.();
    this.afterwards();
  }
}
