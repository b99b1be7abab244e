/**
 * A process of the simulated cluster: one event loop, which does one thing after the other, may be busy for a while, be
 * stopped and continued, sleep with its machine, or die.
 */
import type { World } from './world.js';

export class Process {
  private state: 'running' | 'stopped' | 'dead' = 'running';
  private readonly inbox: (() => void)[] = [];
  /** What was said while computing: it comes out when the computing is done, and before anything else happens. */
  private readonly outbox: (() => void)[] = [];
  private isPumping = false;
  private busyUntilMs = 0;
  /** What its clock is behind the world's: it does not go on while the machine sleeps. */
  private sleptMs = 0;
  private fellAsleepMs: number | null = null;

  /** `afterwards` is called after whatever it did. */
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

  /** The time passes in which it computes. */
  spend(ms: number): void {
    this.busyUntilMs = this.localMs + ms;
  }

  /** Does something when it comes to it. */
  post(call: () => void): void {
    if (this.isDead) return;
    this.inbox.push(call);
    this.pump();
  }

  after(ms: number, call: () => void): void {
    this.world.at(this.localMs + ms, () => this.post(call));
  }

  /** Like a timer, it does not catch up: there are `ms` from one call to the next, or more. */
  every(ms: number, call: () => void): void {
    this.after(ms, () => {
      call();
      this.every(ms, call);
    });
  }

  /** Has a doing of this process take effect outside: at once, or when the process has computed that far. */
  emit(effect: () => void): void {
    if (this.isDead) return;
    if (this.localMs === this.world.nowMs && this.outbox.length === 0) return effect();
    this.outbox.push(effect);
    this.pump();
  }

  /** SIGSTOP, or, if its clock stands still too, a machine that sleeps. */
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
