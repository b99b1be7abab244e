/** Conducts a small run in this process: on threads, or for workers that come to a real port, browser tabs included. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Summary } from '../../coordinator/archive/config.js';
import type { LoadedDataset } from '../../coordinator/data/load.js';
import { closeServer, Gateway, listen } from '../../coordinator/fleet/gateway.js';
import { FleetSite } from '../../coordinator/fleet/site.js';
import { nodeClock } from '../../coordinator/run/clock.js';
import { conduct } from '../../coordinator/run/conduct.js';
import { localSite } from '../../coordinator/run/local-site.js';
import { nodeMeans } from '../../coordinator/run/node-means.js';
import type { SitePlan } from '../../coordinator/run/site.js';
import { Access } from '../../coordinator/web/access.js';
import { RunControls } from '../../coordinator/web/controls.js';
import { Monitor } from '../../coordinator/web/monitor.js';
import { WebServer } from '../../coordinator/web/web-server.js';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { randomSamples } from '../shared/model/fixture.js';
import { classes, type SmallProblem } from './problems.js';

/** An epoch has two full steps and a smaller one. */
const trainSamples = 2 * 24 + 11;
const testSamples = 30;

/** The data set of a problem: random images. */
export function datasetFor({ model, validation = 0 }: SmallProblem): LoadedDataset {
  const train = randomSamples(model, trainSamples + validation, 1);
  const test = randomSamples(model, testSamples, 2);
  return { name: 'tiny', classes, train, test, sha256: 'd'.repeat(64), directory: null };
}

/** Trains on one thread of this process. */
export function trainAlone(problem: SmallProblem, backend: KernelBackend): Promise<Summary> {
  return conductAt(problem, localSite(1), backend, () => {});
}

export interface ServedProblem {
  readonly port: number;
  /** Resolves when the run is over and the port is closed. */
  readonly ended: Promise<Summary>;
}

/** Waits for `workers` workers on a free port, and trains on them. */
export async function serveProblem(problem: SmallProblem, workers: number): Promise<ServedProblem> {
  const platform = nodePlatform();
  const { nowMs } = platform;
  const access = new Access({ isOpen: true, operatorToken: 'o'.repeat(32), hosts: [] });
  const monitor = new Monitor({ workersMin: workers, clock: Date.now, nowMs });
  const controls = new RunControls(monitor, () => {});
  const web = new WebServer({ access, run: () => monitor.viewed, controls, nowMs });
  const server = await listen('127.0.0.1', 0, (request, response) => web.handle(request, response));
  const gateway = new Gateway(server, access);
  const plan: SitePlan = {
    threads: 0,
    open: (run) => {
      const site = new FleetSite({ entrance: gateway, minWorkers: workers, platform, clock: nodeClock }, run);
      // The join page asks what joining costs, so there must be a way to join.
      monitor.opened(site, { url: '/join', command: '', needsToken: false });
      return site;
    },
  };
  const run = conductAt(problem, plan, platform.backend, (event) => monitor.heard(event));
  const ended = run.finally(async () => {
    web.close();
    await closeServer(server, 0);
  });
  return { port: gateway.port, ended };
}

async function conductAt(
  problem: SmallProblem,
  site: SitePlan,
  backend: KernelBackend,
  emit: Parameters<typeof conduct>[1]['emit'],
): Promise<Summary> {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-kinds-'));
  const loadDataset = async () => datasetFor(problem);
  const wish = new AbortController().signal;
  const means = { ...nodeMeans, loadDataset, platform: nodePlatform({ backend }), site, wish, emit };
  try {
    return await conduct({ ...problem, out: join(directory, 'run') }, means);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
