/** Measures how fast this machine trains a preset: a short run on generated digits, whose directory is removed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform } from '../../shared/compute/platform.js';
import { type LoadOptions, loadDataset } from '../data/load.js';
import { conduct } from '../run/conduct.js';
import { localSite } from '../run/local-site.js';
import { nodeMeans } from '../run/node-means.js';
import type { RunEvent } from '../run/run-event.js';
import type { GivenSettings } from '../run/settings.js';

/** The engine compiles the code of a step in the first part, which does not count. */
const warmUpMs = 500;
const measuredMs = 1_000;
const digits = { train: 8_192, test: 64 };

/** Samples per second with this many threads. */
export async function measureSpeed(
  given: GivenSettings & { readonly batch: number },
  threads: number,
  platform: Platform,
): Promise<number> {
  const parent = await mkdtemp(join(tmpdir(), 'lockstep-plan-'));
  const wish = new AbortController();
  const meter = new Meter(platform.nowMs, () => wish.abort());
  const load = (options: LoadOptions) => loadDataset({ ...options, dataset: 'digits', digits });
  const request = { ...given, evalEvery: 1e9, epochs: 1e6, out: join(parent, 'run') };
  try {
    const means = { ...nodeMeans, loadDataset: load, platform, site: localSite(threads), wish: wish.signal };
    await conduct(request, { ...means, emit: (event) => meter.heard(event) });
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
  // A step cannot have more samples than the set.
  return meter.stepsPerSecond * Math.min(given.batch, digits.train);
}

/** Counts the steps after the warm-up, and says when there were enough. */
class Meter {
  private begunMs = 0;
  private firstMs = 0;
  private lastMs = 0;
  private steps = 0;

  constructor(
    private readonly nowMs: () => number,
    private readonly enough: () => void,
  ) {}

  heard({ type }: RunEvent): void {
    if (type === 'begun') this.begunMs = this.nowMs();
    if (type !== 'stepped') return;
    const nowMs = this.nowMs();
    if (nowMs - this.begunMs < warmUpMs) return;
    if (this.firstMs === 0) {
      this.firstMs = nowMs;
      return;
    }
    this.steps += 1;
    this.lastMs = nowMs;
    if (nowMs - this.firstMs >= measuredMs) this.enough();
  }

  get stepsPerSecond(): number {
    return (1000 * this.steps) / (this.lastMs - this.firstMs);
  }
}
