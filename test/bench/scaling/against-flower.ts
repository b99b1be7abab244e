/** Flower (federated averaging, with PyTorch) on the same slow hosts: the time to the accuracy of the first race. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { presets } from '../../../shared/model/presets.js';
import type { Context } from '../context.js';
import type { Findings } from '../findings.js';
import { FleetOfHosts } from '../hosts/fleet-of-hosts.js';
import { fast, gigabit, type NetworkKind } from '../hosts/links.js';
import { Running } from '../processes.js';
import { writeModel } from '../rows.js';
import { thousands, times } from '../table.js';
import { peerSize, shown } from './accuracy.js';
import { type Measuring, nameOf, share } from './measuring.js';
import { races } from './subjects.js';

/** The environment variable that names an interpreter with Flower and PyTorch. */
const flowerVariable = 'LOCKSTEP_BENCH_FLOWER';
const port = 9092;
const timeoutMs = 240_000;
const [race] = races;

interface FlowerResult {
  readonly seconds: number;
  readonly rounds: number;
  readonly samples: number;
  readonly testAccuracy: number;
}

export async function againstFlower(measuring: Measuring, findings: Findings): Promise<void> {
  const { context, seconds } = measuring;
  const python = process.env[flowerVariable];
  const version = python === undefined ? '' : versionOf(python);
  if (python === undefined || version === '') {
    findings.note(`Flower is not measured: ${flowerVariable} names no interpreter that has it.`);
    return;
  }
  const lines: string[][] = [];
  for (const network of context.quick ? [fast] : [gigabit, fast]) {
    context.log(`  Flower, ${peerSize} on ${network.name}`);
    const result = await flowerOnHosts(context, python, network);
    const own = seconds.get(nameOf(shown(race), { network, workers: peerSize, coordinator: 'device' }));
    lines.push([
      ...[`Flower ${version}`, network.name, String(result.rounds), thousands(result.samples / result.seconds)],
      ...[`${result.seconds.toFixed(0)} s`, own === undefined ? '-' : times(result.seconds / own)],
    ]);
  }
  findings.note(
    'Flower’s server has no quota, and evaluates after each round. Its time begins when all clients are there.',
  );
  const columns = ['what', 'network', 'rounds', 'samples/s', shown(race), 'Lockstep is faster'];
  findings.table(`Flower with ${peerSize} clients: seconds to an accuracy`, columns, lines);
}

function versionOf(python: string): string {
  const { stdout } = spawnSync(python, ['-c', 'import torch, flwr; print(flwr.__version__)'], { encoding: 'utf8' });
  return stdout?.trim() ?? '';
}

async function flowerOnHosts(context: Context, python: string, network: NetworkKind): Promise<FlowerResult> {
  const hosts = new FleetOfHosts(network, peerSize, share);
  const running: Running[] = [];
  const words = (...more: (string | number)[]) =>
    [
      ...[python, join(context.root, 'test/bench/peers/flower_train.py'), ...more],
      ...['--clients', peerSize, '--target', race.accuracy, '--data', context.mnist.directory],
      ...['--model', writeModel({ name: 'mlp', model: presets.mlp.model, optimizer: 'sgd' }, context.scratch)],
      ...['--batch', 32, '--lr', 0.1, '--momentum', 0.9, '--resident', 'uint8'],
    ].map(String);
  const env = { FLWR_TELEMETRY_ENABLED: '0', OMP_NUM_THREADS: '1' };
  try {
    const server = new Running(hosts.atCoordinator({ words: words('--serve', `0.0.0.0:${port}`), env }));
    running.push(server);
    for (let i = 0; i < peerSize; i++) {
      const join = words('--join', `${hosts.address(-1)}:${port}`, '--number', i);
      running.push(new Running(hosts.atWorker(i, { words: join, env })));
    }
    const { code, stdout, stderr } = await server.end({ timeoutMs });
    const line = stdout.split('\n').find((each) => each.startsWith('{"seconds"'));
    if (line === undefined)
      throw new Error(`Flower ended with ${code}: ${stderr.trim().split('\n').slice(-3).join(' / ')}`);
    return JSON.parse(line) as FlowerResult;
  } finally {
    for (const each of running) each.kill('SIGKILL');
    await Promise.all(running.map((each) => each.ended));
    hosts.close();
  }
}
