/** Makes the vectors of exp, log, sigmoid and tanh (E2): inputs and outputs. */
import { type KernelBackend, memoryStart } from '../../shared/arithmetic/backend.js';
import { Activation, type ActivationCode } from '../../shared/arithmetic/kernels.js';
import { exp, log, sigmoid, tanh } from '../../shared/arithmetic/scalar/elementary.js';
import { floatBits } from './text.js';

const subnormals = [2 ** -149, 1e-40, 2 ** -126 - 2 ** -149, 2 ** -126];

const inputs = {
  exp: [
    ...[0, -0, 1, -1, 0.3465735, 0.34657362, 88.72283, 88.72284, 88.73, 89, 1000, -87.3, -87.33655, -87.4, -95.5],
    ...[-103.9, -103.97208, -103.97209, -104, -104.5, -1000, 1e-40, -1e-40],
    ...steps(-104, 4.7, 42),
  ],
  log: [
    ...[0, 1, 0.70710671, Math.SQRT1_2, 0.70710683, Math.SQRT2, 1.4142137, 0.99999994, 1.0000001, 2, 3.4028235e38],
    ...[...subnormals, Number.POSITIVE_INFINITY],
    ...powers(1e-44, 17.3, 30),
  ],
  sigmoid: [...signed([0, 1e-40, 1e-8, 0.5, 1, 16.5, 17.4, 87, 88.72, 88.73, 104, 1000]), ...steps(-20, 1.37, 30)],
  tanh: [
    ...signed([0, ...subnormals, 1e-4, 0.62499994, 0.625, 0.62500006, 1, 8.9, 9.1, 44.5, 1000]),
    ...steps(-3, 0.219, 28),
  ],
};

function signed(values: readonly number[]): number[] {
  return values.flatMap((x) => [x, -x]);
}

/** Powers of `factor` by repeated multiplication, because the results of Math.pow depend on the engine. */
function powers(first: number, factor: number, count: number): number[] {
  const values = [first];
  while (values.length < count) values.push(values[values.length - 1] * factor);
  return values;
}

function steps(first: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i * step);
}

const specification = { exp, log, sigmoid, tanh };
type Name = keyof typeof specification;
const names = Object.keys(specification) as Name[];

/** The vectors of the specification. */
export function functionVectors() {
  const values = (name: Name) => Float32Array.from(inputs[name]);
  const pairs = (name: Name) => Array.from(values(name), (x) => floatBits([x, specification[name](x)]));
  return {
    format: 'input output',
    ...Object.fromEntries(names.map((name) => [name, pairs(name)])),
  };
}

/** The same vectors from a backend's kernels. A layer with weight 1 and bias 0 computes the activations. */
export function functionVectorsOf({ sizes, createMemory }: KernelBackend) {
  const base = memoryStart;
  const memory = createMemory(base + 4096 + 4 * sizes.scratchFloats(128, 1, 1), false);
  const { kernels } = memory;
  const place = (values: Iterable<number>, at: number) => {
    new Float32Array(memory.buffer, at).set(Float32Array.from(values));
    return at;
  };
  const of = (name: Name): string[] => {
    const count = inputs[name].length;
    const [x, y, w, b] = [base, base + 1024, base + 2048, base + 2064];
    const scratch = base + 4096;
    place(inputs[name], x);
    place([1], w);
    place([0], b);
    const layer = (activation: ActivationCode) => kernels.denseForward(x, w, b, y, count, 1, 1, activation, scratch);
    if (name === 'exp') kernels.exp(x, y, count);
    else if (name === 'log') kernels.log(x, y, count);
    else layer(Activation[name]);
    const [xs, ys] = [new Float32Array(memory.buffer, x, count), new Float32Array(memory.buffer, y, count)];
    return Array.from(xs, (value, i) => floatBits([value, ys[i]]));
  };
  return { format: 'input output', ...Object.fromEntries(names.map((name) => [name, of(name)])) };
}
