/** The networks of the benchmark, and the commands of `tc` that make links slow. Pure. */

export interface NetworkKind {
  readonly name: string;
  /** The rate of every worker's link. 0: as fast as this machine moves bytes. */
  readonly workerMbps: number;
  /** The rate of the coordinator's link, which all workers share. */
  readonly coordinatorMbps: number;
  /** Added to the time of a round trip. */
  readonly rttMs: number;
}

export const gigabit: NetworkKind = { name: '1 Gbit/s each', workerMbps: 1000, coordinatorMbps: 1000, rttMs: 0 };
export const fast: NetworkKind = { name: '100 Mbit/s shared', workerMbps: 0, coordinatorMbps: 100, rttMs: 0 };
export const far: NetworkKind = {
  name: '20 Mbit/s shared, 40 ms',
  workerMbps: 0,
  coordinatorMbps: 20,
  rttMs: 40,
};
export const networkKinds: readonly NetworkKind[] = [gigabit, fast, far];

/** Peers that reduce among themselves have no link that all share. Their hosts get links of this rate each. */
export function eachOf({ coordinatorMbps, ...kind }: NetworkKind): NetworkKind {
  return { ...kind, name: `${coordinatorMbps} Mbit/s each`, coordinatorMbps, workerMbps: coordinatorMbps };
}

/** A packet that the kernel has not divided yet may have this many bytes. It must fit into the bucket. */
const packetBytesMax = 16_384;
/** The bucket: bytes that pass at once after a pause. Large buckets make a link faster than its rate. */
const bucketBytes = 2 * packetBytesMax;
/** A packet that would wait longer is lost, as in a router. */
const queueMs = 100;

/** The words behind `tc` and `ip` that limit what leaves through an interface. */
export function shaping(device: string, mbps: number): { readonly ip: string[]; readonly tc: string[] } {
  const limit = ['rate', `${mbps}mbit`, 'burst', String(bucketBytes), 'latency', `${queueMs}ms`];
  return {
    ip: ['link', 'set', 'dev', device, 'gso_max_size', String(packetBytesMax)],
    tc: ['qdisc', 'add', 'dev', device, 'root', 'tbf', ...limit],
  };
}
