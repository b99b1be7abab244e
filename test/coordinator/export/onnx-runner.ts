/**
 * Reads an ONNX file and computes what it says, by the pages that define the operators. It is slow, and it knows only
 * what exported files need. It shares no code with the export. In test/exports, ONNX Runtime itself computes.
 */

export interface Graph {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Value>;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly (number | string)[] }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly (number | string)[] }[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly operatorsVersion: number;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, readonly number[]>>;
}

export interface Value {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** A message by the numbers of its fields. Each field has its values in their order. */
type Message = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

function decode(bytes: Uint8Array): Message {
  const fields = new Map<number, (number | Uint8Array)[]>();
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    const tag = reader.varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    const value = type === 0 ? reader.varint() : type === 2 ? reader.bytes(reader.varint()) : reader.bytes(4);
    if (![0, 2, 5].includes(type)) throw new Error(`wire type ${type}`);
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

class Reader {
  private at = 0;

  constructor(private readonly from: Uint8Array) {}

  get atEnd(): boolean {
    return this.at >= this.from.length;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.from[this.at++];
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }

  bytes(length: number): Uint8Array {
    this.at += length;
    if (this.at > this.from.length) throw new Error('a field reaches over the end');
    return this.from.slice(this.at - length, this.at);
  }
}

const list = (message: Message, field: number) => message.get(field) ?? [];
const bytesAt = (message: Message, field: number) => list(message, field) as readonly Uint8Array[];
const numberAt = (message: Message, field: number) => (list(message, field)[0] ?? 0) as number;
const text = (bytes: Uint8Array | undefined) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const textAt = (message: Message, field: number) => text(bytesAt(message, field)[0]);

function packed(bytes: Uint8Array | undefined): number[] {
  const reader = new Reader(bytes ?? new Uint8Array());
  const values: number[] = [];
  while (!reader.atEnd) values.push(reader.varint());
  return values;
}

function floats(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

export function readOnnx(file: Uint8Array): Graph {
  const model = decode(file);
  const graph = decode(bytesAt(model, 7)[0]);
  const named = (bytes: Uint8Array) => {
    const value = decode(bytes);
    const type = decode(bytesAt(decode(bytesAt(value, 2)[0]), 1)[0]);
    const shape = bytesAt(decode(bytesAt(type, 2)[0]), 1).map((extent) => {
      const field = decode(extent);
      return field.has(2) ? textAt(field, 2) : numberAt(field, 1);
    });
    return { name: textAt(value, 1), shape };
  };
  return {
    nodes: bytesAt(graph, 1).map(readNode),
    constants: new Map(bytesAt(graph, 5).map(readTensor)),
    inputs: bytesAt(graph, 11).map(named),
    outputs: bytesAt(graph, 12).map(named),
    metadata: Object.fromEntries(
      bytesAt(model, 14).map((entry) => [textAt(decode(entry), 1), textAt(decode(entry), 2)]),
    ),
    operatorsVersion: numberAt(decode(bytesAt(model, 8)[0]), 2),
  };
}

function readNode(bytes: Uint8Array): Node {
  const node = decode(bytes);
  const attributes = bytesAt(node, 5).map((each): [string, number[]] => {
    const attribute = decode(each);
    const type = numberAt(attribute, 20);
    if (type === 1) return [textAt(attribute, 1), floats(bytesAt(attribute, 2)[0])];
    if (type === 2) return [textAt(attribute, 1), [numberAt(attribute, 3)]];
    return [textAt(attribute, 1), packed(bytesAt(attribute, 8)[0])];
  });
  return {
    op: textAt(node, 4),
    inputs: bytesAt(node, 1).map(text),
    output: textAt(node, 2),
    attributes: Object.fromEntries(attributes),
  };
}

function readTensor(bytes: Uint8Array): [string, Value] {
  const tensor = decode(bytes);
  const isFloat = numberAt(tensor, 2) === 1;
  const data = isFloat ? floats(bytesAt(tensor, 9)[0]) : packed(bytesAt(tensor, 7)[0]);
  return [textAt(tensor, 8), { shape: packed(bytesAt(tensor, 1)[0]), data: Float64Array.from(data) }];
}

/** Computes all values of a graph. */
export function runOnnx(graph: Graph, inputs: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>([...graph.constants, ...Object.entries(inputs)]);
  for (const { op, inputs: names, output, attributes } of graph.nodes) {
    const operands = names.map((name) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`${op} takes ${name}, which nothing has made`);
      return value;
    });
    const operator = operators[op];
    if (operator === undefined) throw new Error(`the operator ${op} is not known`);
    if (values.has(output)) throw new Error(`${output} is made twice`);
    values.set(output, operator(operands, attributes));
  }
  return values;
}

type Operator = (operands: readonly Value[], attributes: Node['attributes']) => Value;

const product = (extents: readonly number[]) => extents.reduce((a, b) => a * b, 1);
const elementwise =
  (f: (x: number, attributes: Node['attributes']) => number): Operator =>
  ([{ shape, data }], attributes) => ({ shape, data: data.map((x) => f(x, attributes)) });

const operators: Readonly<Record<string, Operator>> = {
  Identity: ([x]) => x,
  Relu: elementwise((x) => Math.max(0, x)),
  Sigmoid: elementwise((x) => 1 / (1 + Math.exp(-x))),
  Tanh: elementwise(Math.tanh),
  LeakyRelu: elementwise((x, { alpha }) => (x >= 0 ? x : alpha[0] * x)),
  Softmax: ([{ shape, data }]) => {
    const width = shape[shape.length - 1];
    const sum = (row: number) => {
      return data.subarray(row * width, (row + 1) * width).reduce((total, x) => total + Math.exp(x), 0);
    };
    return { shape, data: data.map((x, i) => Math.exp(x) / sum(Math.floor(i / width))) };
  },
  Flatten: ([{ shape, data }], { axis }) => {
    return { shape: [product(shape.slice(0, axis[0])), product(shape.slice(axis[0]))], data };
  },
  Reshape: ([{ shape, data }, wanted]) => ({ shape: [...wanted.data].map((n, i) => (n === 0 ? shape[i] : n)), data }),
  Transpose: ([{ shape, data }], { perm }) => {
    const made = perm.map((axis) => shape[axis]);
    const moved = data.map((_, to) => {
      const place = placeOf(to, made);
      const from = shape.map((_, axis) => place[perm.indexOf(axis)]);
      return data[from.reduce((index, at, axis) => index * shape[axis] + at, 0)];
    });
    return { shape: made, data: moved };
  },
  Gemm: ([a, b, c]) => {
    const [rows, inner] = a.shape;
    const columns = b.shape[1];
    return filled([rows, columns], ([row, column]) => {
      let sum = c.data[column];
      for (let k = 0; k < inner; k++) sum += a.data[row * inner + k] * b.data[k * columns + column];
      return sum;
    });
  },
  Conv: ([x, w, b], { strides, pads, kernel_shape: kernel }) => {
    const [, channels, height, width] = x.shape;
    const [down, across] = [0, 1].map((axis) => {
      return Math.floor((x.shape[2 + axis] + 2 * pads[axis] - kernel[axis]) / strides[axis]) + 1;
    });
    return filled([x.shape[0], w.shape[0], down, across], ([sample, output, oy, ox]) => {
      let sum = b.data[output];
      for (let channel = 0; channel < channels; channel++) {
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const [iy, ix] = [oy * strides[0] + ky - pads[0], ox * strides[1] + kx - pads[1]];
            if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
            const weight = w.data[((output * channels + channel) * kernel[0] + ky) * kernel[1] + kx];
            sum += x.data[((sample * channels + channel) * height + iy) * width + ix] * weight;
          }
        }
      }
      return sum;
    });
  },
  MaxPool: ([x], { kernel_shape, strides }) => pooled(x, kernel_shape, strides, (values) => Math.max(...values)),
  AveragePool: ([x], { kernel_shape, strides }) => pooled(x, kernel_shape, strides, mean),
  GlobalAveragePool: ([x]) => pooled(x, x.shape.slice(2), [1, 1], mean),
  BatchNormalization: ([x, scale, shift, means, variances], { epsilon }) => {
    const inner = product(x.shape.slice(2));
    const data = x.data.map((value, i) => {
      const c = Math.floor(i / inner) % x.shape[1];
      const deviation = Math.sqrt(variances.data[c] + epsilon[0]);
      return ((value - means.data[c]) / deviation) * scale.data[c] + shift.data[c];
    });
    return { shape: x.shape, data };
  },
};

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

function pooled(
  { shape, data }: Value,
  kernel: readonly number[],
  strides: readonly number[],
  reduce: (values: readonly number[]) => number,
): Value {
  const [samples, channels, height, width] = shape;
  const [down, across] = [0, 1].map((axis) => Math.floor((shape[2 + axis] - kernel[axis]) / strides[axis]) + 1);
  return filled([samples, channels, down, across], ([sample, channel, oy, ox]) => {
    const values = Array.from({ length: product(kernel) }, (_, k) => {
      const [iy, ix] = [oy * strides[0] + Math.floor(k / kernel[1]), ox * strides[1] + (k % kernel[1])];
      return data[((sample * channels + channel) * height + iy) * width + ix];
    });
    return reduce(values);
  });
}

function filled(shape: readonly number[], valueAt: (place: readonly number[]) => number): Value {
  return { shape, data: Float64Array.from({ length: product(shape) }, (_, i) => valueAt(placeOf(i, shape))) };
}

function placeOf(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape
    .map((_, n) => {
      const extent = shape[shape.length - 1 - n];
      const at = rest % extent;
      rest = Math.floor(rest / extent);
      return at;
    })
    .reverse();
}
