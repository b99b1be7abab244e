/**
 * Chooses the width of the vectors by measuring, because the widest vectors are not the fastest ones on every processor.
 * The choice changes the speed alone. It takes a few milliseconds.
 */
import { Arena } from '../../shared/arithmetic/arena.js';
import type { KernelBackend, KernelMemory } from '../../shared/arithmetic/backend.js';
import { positionsAlong } from '../../shared/arithmetic/conv-sizes.js';
import { Activation } from '../../shared/arithmetic/kernels.js';

/** A dense product of a size that is common in training. It takes about 100 microseconds. */
const [ROWS, INPUTS, OUTPUTS] = [64, 256, 256];

/** A convolution as common as that, which takes as long. Its outputs do not fill the widest vectors. */
const IMAGES = 12;
const CONVOLUTION = { height: 28, width: 28, channels: 1, kernel: 5, stride: 1, padding: 0, outputs: 24 };

/** The first trial of each backend is slow, and counts as any other. */
const TRIALS = 10;

/**
 * Wider vectors must be faster by this factor: they waste more at the edges of layers, and what is measured here varies by
 * a few percent.
 */
const ADVANTAGE = 1.1;

/**
 * The backend that computes both in the shortest time, out of a list that goes from narrow to wide vectors. All of
 * them must be able to open each other's memory.
 */
export function fastest(backends: readonly KernelBackend[], nowMs: () => number): KernelBackend {
  if (backends.length === 1) return backends[0];
  const { memory, at, end } = layOut(backends);
  const shared = backends[0].createMemory(end, true);
  new Float32Array(shared.buffer, memory, ROWS * INPUTS + INPUTS * OUTPUTS).fill(1);
  const contestants = backends.map((backend) => {
    const { kernels } = backend.openMemory(shared.handOver);
    return { backend, run: () => at(kernels), bestMs: Number.POSITIVE_INFINITY };
  });
  // They take turns, so that something else on this core does not hit one of them alone.
  for (let trial = 0; trial < TRIALS; trial++) {
    for (const contestant of contestants) {
      const begunMs = nowMs();
      contestant.run();
      contestant.bestMs = Math.min(contestant.bestMs, nowMs() - begunMs);
    }
  }
  return contestants.reduce((best, next) => (ADVANTAGE * next.bestMs < best.bestMs ? next : best)).backend;
}

function layOut(backends: readonly KernelBackend[]) {
  const arena = new Arena();
  const x = arena.floats(ROWS * INPUTS + INPUTS * OUTPUTS);
  const w = x + 4 * ROWS * INPUTS;
  const b = arena.floats(OUTPUTS);
  const { height, width, channels, kernel, stride, padding, outputs } = CONVOLUTION;
  const positions = positionsAlong(height, CONVOLUTION) * positionsAlong(width, CONVOLUTION);
  const y = arena.floats(Math.max(ROWS * OUTPUTS, IMAGES * positions * outputs));
  const scratchOf = ({ sizes }: KernelBackend) =>
    Math.max(sizes.scratchFloats(ROWS, INPUTS, OUTPUTS), sizes.convScratchFloats(CONVOLUTION));
  const scratch = arena.floats(Math.max(...backends.map(scratchOf)));
  const { linear } = Activation;
  const at = ({ denseForward, convForward }: KernelMemory['kernels']) => {
    denseForward(x, w, b, y, ROWS, INPUTS, OUTPUTS, linear, scratch);
    convForward(x, w, b, y, IMAGES, height, width, channels, kernel, stride, padding, outputs, linear, scratch);
  };
  return { memory: x, at, end: arena.end };
}
