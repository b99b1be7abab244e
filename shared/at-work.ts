import { plural } from './plural.js';

export interface AtWork {
  readonly workers: number;
  readonly threads?: number | undefined;
}

/** For people: who computes, such as "this machine and 2 workers". `threads` are those of the coordinator itself. */
export function atWork({ workers, threads = 0 }: AtWork): string {
  if (threads === 0) return plural(workers, 'worker');
  return workers === 0 ? `this machine, ${plural(threads, 'thread')}` : `this machine and ${plural(workers, 'worker')}`;
}
