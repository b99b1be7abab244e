/** PyTorch on the same slow hosts, with links of their own: it reduces among its processes, and has no coordinator. */
import { setTimeout as sleep } from 'node:timers/promises';
import { presets } from '../../../shared/model/presets.js';
import type { Context } from '../context.js';
import { FleetOfHosts } from '../hosts/fleet-of-hosts.js';
import type { NetworkKind } from '../hosts/links.js';
import { type Command, Running } from '../processes.js';
import { type Row, row } from '../rows.js';
import { type TorchResult, torchCommand } from '../torch.js';
import { type TorchKind, type Way, waysOf } from '../torch-kinds.js';
import { share } from './measuring.js';

const meetingPort = 29_500;
const momentum = 0.9;
const rate = 0.1;
const timeoutMs = 900_000;
const common = { threads: 1, several: true, fusedIfPossible: true } as const;

/** Each process has a host of its own, so none is pinned to a core. */
export const hostKinds: readonly TorchKind[] = [
  { name: 'DDP', options: ['--mode', 'ddp', '--resident', 'uint8'], ...common },
  { name: 'flat all-reduce', options: ['--mode', 'flat', '--resident', 'uint8'], ...common },
];

/** The ways of the newest PyTorch alone: a start takes half a minute on a slow host. */
export function hostWays({ pythons }: Context): Way[] {
  return waysOf(pythons.slice(-1), hostKinds);
}

/** The network of the preset `mlp` with a batch. */
export function mlpRow(batch: number): Row {
  return row({ name: 'mlp', model: presets.mlp.model, optimizer: 'sgd' }, batch, [1]);
}

/** Trains on this many hosts. `options` says until when, in the words of the training script. */
export async function torchOnHosts(
  context: Context,
  network: NetworkKind,
  processes: number,
  way: Way,
  batch: number,
  options: readonly (string | number)[],
): Promise<TorchResult> {
  const hosts = new FleetOfHosts(network, processes, share);
  const running: Running[] = [];
  try {
    const meeting = `tcp://${hosts.address(0)}:${meetingPort}`;
    for (let rank = 0; rank < processes; rank++) {
      const where = ['--processes', processes, '--rank', rank, '--meeting', meeting, '--momentum', momentum];
      const { root, scratch, mnist } = context;
      const training = {
        root,
        scratch,
        row: mlpRow(batch),
        pixels: { ...mnist, rate },
        scheduling: 'other' as const,
        way,
      };
      running.push(new Running(onHost(hosts, rank, torchCommand({ ...training, options: [...where, ...options] }))));
    }
    return resultOf(await firstResult(running));
  } finally {
    for (const each of running) each.kill('SIGKILL');
    await Promise.all(running.map((each) => each.ended));
    hosts.close();
  }
}

function onHost(hosts: FleetOfHosts, rank: number, command: Command): Command {
  return hosts.atWorker(rank, { ...command, env: { ...command.env, GLOO_SOCKET_IFNAME: 'eth0' } });
}

/** The output of the first process, which prints the result. Fails when any process does. */
async function firstResult(running: readonly Running[]): Promise<string> {
  const failed = running.map(async (each) => {
    const { code, stderr } = await each.ended;
    if (code !== 0) throw new Error(`PyTorch ended with ${code}: ${stderr.trim().split('\n').slice(-2).join(' / ')}`);
  });
  const late = sleep(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error(`PyTorch gave no result within ${timeoutMs / 1000} s`);
  });
  await Promise.race([Promise.all(failed), late]);
  return running[0].stdout;
}

function resultOf(stdout: string): TorchResult {
  const line = stdout.trim().split('\n').at(-1);
  if (!line?.startsWith('{')) throw new Error('PyTorch printed no result');
  return JSON.parse(line) as TorchResult;
}
