/** PyTorch on the same slow hosts: samples per second, and the time to the accuracy of the first subject. */
import type { Context } from '../context.js';
import type { Findings } from '../findings.js';
import { eachOf, fast, gigabit, type NetworkKind } from '../hosts/links.js';
import { remarkOn } from '../pythons.js';
import { thousands, times } from '../table.js';
import type { Way } from '../torch-kinds.js';
import { type Measuring, nameOf } from './measuring.js';
import { type Subject, subjects } from './subjects.js';
import { hostWays, torchOnHosts } from './torch-hosts.js';

const processes = 4;
const epochsMax = 30;
/** A fleet with rounds should reach the accuracy this many times as fast as DDP on `fast`. */
const timesDdp = 10;

/** The subjects with the same network, optimizer and batches. */
const [small, large] = subjects;
const rounds = subjects.filter(({ preset, options }) => preset === 'mlp' && options.includes('--local-steps'));

interface Peer {
  readonly way: Way;
  readonly network: NetworkKind;
  readonly rates: ReadonlyMap<Subject, number>;
  readonly seconds: number;
}

export async function againstTorch(measuring: Measuring, findings: Findings): Promise<void> {
  const { context } = measuring;
  const peers: Peer[] = [];
  for (const network of context.quick ? [fast] : [gigabit, fast]) {
    for (const way of hostWays(context)) peers.push(await measure(context, network, way));
  }
  findings.note(remarkOn(context.pythons.slice(-1)));
  if (peers.length === 0) return;
  findings.note('PyTorch’s hosts have links of their own, each with the rate that our devices share.');
  const columns = ['way', 'network', small.name, large.name, `to ${100 * (small.accuracy ?? 0)} %`];
  const lines = peers.map(({ way, network, rates, seconds }) => [
    ...[
      way.name,
      eachOf(network).name,
      ...[small, large].map((subject) => thousands(rates.get(subject) ?? Number.NaN)),
    ],
    Number.isFinite(seconds) ? `${seconds.toFixed(0)} s` : '-',
  ]);
  findings.table(`PyTorch on ${processes} hosts: samples/s, and seconds to an accuracy`, columns, lines);
  for (const peer of peers) judge(measuring, findings, peer);
}

async function measure(context: Context, network: NetworkKind, way: Way): Promise<Peer> {
  const tried = (batch: number, options: readonly (string | number)[]) => {
    context.log(`  ${way.name}, ${processes} on ${eachOf(network).name}, batch ${batch}: ${options.join(' ')}`);
    return torchOnHosts(context, eachOf(network), processes, way, batch, options);
  };
  const speed = ['--segments', 3, '--seconds', context.quick ? 1 : 4];
  const rates = new Map<Subject, number>();
  for (const subject of context.quick ? [small] : [small, large]) {
    rates.set(subject, (await tried(subject.batch, speed)).samplesPerSecond);
  }
  const target = ['--target', small.accuracy ?? 1, '--epochs', epochsMax];
  const seconds = context.quick ? Number.NaN : (await tried(small.batch, target)).seconds;
  return { way, network, rates, seconds };
}

/** Targets for what was measured of both. */
function judge({ speeds, seconds }: Measuring, findings: Findings, peer: Peer): void {
  const { way, network, rates } = peer;
  const devices = { network, workers: processes };
  for (const [subject, rate] of way.name.includes('flat') && network === gigabit ? rates : []) {
    const own = speeds.get(nameOf(subject, devices));
    if (own === undefined) continue;
    findings.target(`${nameOf(subject, devices)}: against ${way.name}`, '1 x', times(own / rate), own >= rate);
  }
  const own = Math.min(...rounds.map((subject) => seconds.get(nameOf(subject, devices)) ?? Number.POSITIVE_INFINITY));
  if (!way.name.includes('DDP') || network !== fast || !Number.isFinite(own)) return;
  const ratio = peer.seconds / own;
  const what = `mlp to ${100 * (small.accuracy ?? 0)} %, ${processes} on ${network.name}: against ${way.name}`;
  findings.target(what, `${timesDdp} x`, times(ratio), ratio >= timesDdp);
}
