/** PyTorch on the same slow hosts: samples per second, and the time to the accuracy of the first race. */
import type { Context } from '../context.js';
import type { Findings } from '../findings.js';
import { eachOf, fast, gigabit, type NetworkKind } from '../hosts/links.js';
import { remarkOn } from '../pythons.js';
import { thousands, times } from '../table.js';
import type { Way } from '../torch-kinds.js';
import { peerSize, shown } from './accuracy.js';
import { type Measuring, nameOf } from './measuring.js';
import { races, type Subject, subjects } from './subjects.js';
import { hostWays, torchOnHosts } from './torch-hosts.js';

const epochsMax = 30;
/** A fleet with rounds should reach the accuracy this many times as fast as DDP on `fast`. */
const timesDdp = 10;

/** The subjects and the race with the same network, optimizer and batches. */
const [small, large] = subjects;
const [race] = races;

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
    // The target for a flat all-reduce is on the fastest network.
    const ways = hostWays(context).filter(({ name }) => network === gigabit || name.includes('DDP'));
    for (const way of ways) peers.push(await measure(context, network, way));
  }
  findings.note(remarkOn(context.pythons.slice(-1)));
  if (peers.length === 0) return;
  findings.note('PyTorch’s hosts have links of their own, each with the rate that our devices share.');
  const columns = ['way', 'network', small.name, large.name, shown(race)];
  const rate = ({ rates }: Peer, subject: Subject) => {
    const value = rates.get(subject);
    return value === undefined ? '-' : thousands(value);
  };
  const lines = peers.map((peer) => [
    ...[peer.way.name, eachOf(peer.network).name, rate(peer, small), rate(peer, large)],
    Number.isFinite(peer.seconds) ? `${peer.seconds.toFixed(0)} s` : '-',
  ]);
  findings.table(`PyTorch on ${peerSize} hosts: samples/s, and seconds to an accuracy`, columns, lines);
  for (const peer of peers) judge(measuring, findings, peer);
}

async function measure(context: Context, network: NetworkKind, way: Way): Promise<Peer> {
  const tried = (batch: number, options: readonly (string | number)[]) => {
    context.log(`  ${way.name}, ${peerSize} on ${eachOf(network).name}, batch ${batch}: ${options.join(' ')}`);
    return torchOnHosts(context, eachOf(network), peerSize, way, batch, options);
  };
  const speed = ['--segments', 3, '--seconds', context.quick ? 1 : 3];
  const rates = new Map<Subject, number>();
  for (const subject of context.quick ? [small] : [small, large]) {
    rates.set(subject, (await tried(subject.batch, speed)).samplesPerSecond);
  }
  // A whole training takes minutes, so only the network with a target has one.
  const isTimed = !context.quick && network === fast && way.name.includes('DDP');
  const target = ['--target', race.accuracy, '--epochs', epochsMax];
  return { way, network, rates, seconds: isTimed ? (await tried(small.batch, target)).seconds : Number.NaN };
}

/** Targets for what was measured of both. */
function judge({ speeds, seconds }: Measuring, findings: Findings, peer: Peer): void {
  const { way, network, rates } = peer;
  for (const [subject, rate] of way.name.includes('flat') && network === gigabit ? rates : []) {
    const what = nameOf(subject.name, { network, workers: peerSize, coordinator: 'server' });
    const own = speeds.get(what);
    if (own !== undefined) findings.target(`${what}: against ${way.name}`, '1 x', times(own / rate), own >= rate);
  }
  const what = nameOf(shown(race), { network, workers: peerSize, coordinator: 'device' });
  const own = seconds.get(what);
  if (own === undefined || !Number.isFinite(peer.seconds)) return;
  const ratio = peer.seconds / own;
  findings.target(`${what}: against ${way.name}`, `${timesDdp} x`, times(ratio), ratio >= timesDdp);
}
