/**
 * The arithmetic that reaches the weights, as operations on one flat memory.
 *
 * What this is: all of the numeric rule (E2). The specification is `scalar/kernels.ts`: plain TypeScript with
 * `Math.fround` that reads like the formulas. Every other backend (`backends.ts` lists them) must equal it bit for bit
 * wherever every value is finite.
 * What this is not: a tensor library. There are no shapes, no autograd and no allocation; the caller lays out memory.
 *
 * The rule, for all backends: every value is a float32. A dot product runs over its inner index in ascending order, starts
 * from +0, and uses a separate multiply and add, each rounded; a bias is added last. An accumulator that starts at +0
 * can never become -0, so a term whose factor is zero (of either sign) may be skipped without changing a bit, as long
 * as the other factor is finite. Where a value is not finite, backends may differ; such results are rejected (E5)
 * before anyone compares them.
 */

/** A byte offset in the kernels' memory: a multiple of 4 for floats and uint32. */
export type Pointer = number;

/** The function after a dense layer, element by element. Only kernels know the numbers: they are never sent or stored. */
export const Activation = { linear: 0, sigmoid: 1, tanh: 2, relu: 3 } as const;
export type ActivationCode = (typeof Activation)[keyof typeof Activation];

/** `quadratic` takes activated outputs; the cross-entropies take raw scores (logits, a linear last layer). */
export const Loss = { quadratic: 0, sigmoidCrossEntropy: 1, softmaxCrossEntropy: 2 } as const;
export type LossCode = (typeof Loss)[keyof typeof Loss];

/**
 * How a kernel writes its result: over what is there, or added to it, with one float32 addition: existing + result. The
 * existing number is itself a sum from +0 and so never -0. A kernel may therefore leave it as it is if the result is +0.
 */
export const Write = { store: 0, accumulate: 1 } as const;
export type WriteCode = (typeof Write)[keyof typeof Write];

/**
 * Names of sizes: `rows` samples of a micro-batch, `inputs` and `outputs` of a dense layer. Matrices are row-major:
 * x is rows x inputs, W is inputs x outputs (one row per input), y and delta are rows x outputs.
 *
 * A convolution has x[r, iy, ix, c], that is rows x height x width x channels; w[ky, kx, c, o], that is
 * kernel x kernel x channels x outputs; y and delta [r, oy, ox, o]. Along each axis there are
 * floor((extent + 2 * padding - kernel) / stride) + 1 positions. At position (oy, ox), the weights w[ky, kx] meet the
 * input at iy = oy * stride + ky - padding, ix = ox * stride + kx - padding. Terms outside of the image are left out.
 */
export interface Kernels {
  /**
   * Makes the record that an image is kept as, in a form of the backend's own: at most
   * `KernelSizes.recordBytesMax(pixels)` bytes. Returns its length, a multiple of 4. `image` points at `pixels` uint8.
   */
  keep(image: Pointer, pixels: number, record: Pointer): number;

  /** Writes the image that a record was made from. */
  restore(record: Pointer, pixels: number, image: Pointer): void;

  /**
   * Fetches samples by number from a store of records and labels, for the first layer: x[r] = image of
   * records[ids[r]] / 255 (one float32 division), labelsOut[r] = labels[ids[r]]. `records` points at the records'
   * addresses, `ids` at `rows` numbers, both uint32. `packed` points at `KernelSizes.packedFloats(rows, pixels)` floats,
   * which get x in a form of the backend's own: only `inputForward`, `inputParameterGradient` and `unpack` read it.
   */
  gather(
    records: Pointer,
    labels: Pointer,
    pixels: number,
    ids: Pointer,
    rows: number,
    packed: Pointer,
    labelsOut: Pointer,
  ): void;

  /** Writes the x that `gather` packed as plain floats: rows x pixels. */
  unpack(packed: Pointer, pixels: number, rows: number, x: Pointer): void;

  /** `denseForward` for the x that `gather` packed. */
  inputForward(
    packed: Pointer,
    w: Pointer,
    b: Pointer,
    y: Pointer,
    rows: number,
    inputs: number,
    outputs: number,
    activation: ActivationCode,
    scratch: Pointer,
  ): void;

  /** `denseParameterGradient` for the x that `gather` packed. */
  inputParameterGradient(
    packed: Pointer,
    delta: Pointer,
    gw: Pointer,
    gb: Pointer,
    rows: number,
    inputs: number,
    outputs: number,
    write: WriteCode,
    scratch: Pointer,
  ): void;

  /** y = activation(x W + b). `scratch` points at `KernelSizes.scratchFloats(rows, inputs, outputs)` floats. */
  denseForward(
    x: Pointer,
    w: Pointer,
    b: Pointer,
    y: Pointer,
    rows: number,
    inputs: number,
    outputs: number,
    activation: ActivationCode,
    scratch: Pointer,
  ): void;

  /**
   * Gradient of a dense layer's parameters: gw[i,o] = sum over r of x[r,i] delta[r,o], gb[o] = sum over r of
   * delta[r,o], r ascending, written as `write` says.
   */
  denseParameterGradient(
    x: Pointer,
    delta: Pointer,
    gw: Pointer,
    gb: Pointer,
    rows: number,
    inputs: number,
    outputs: number,
    write: WriteCode,
    scratch: Pointer,
  ): void;

  /**
   * Gradient at a dense layer's input, carried back through the activation that made that input:
   * deltaIn[r,i] = (sum over o of delta[r,o] w[i,o]) * activation'(x[r,i]), where x is the layer's input, that is the
   * activated output of the layer before. The derivative is written in terms of the activated value: sigmoid
   * x * (1 - x), tanh 1 - x * x, relu: +0 where x is not above 0, else the sum itself.
   * `wT` is W transposed (outputs x inputs), made by `transpose`.
   */
  denseInputGradient(
    delta: Pointer,
    wT: Pointer,
    x: Pointer,
    deltaIn: Pointer,
    rows: number,
    inputs: number,
    outputs: number,
    activation: ActivationCode,
    scratch: Pointer,
  ): void;

  /** wT[o,i] = w[i,o]. */
  transpose(w: Pointer, inputs: number, outputs: number, wT: Pointer): void;

  /**
   * y[r,oy,ox,o] = activation((sum over ky, kx, c of x[r,iy,ix,c] w[ky,kx,c,o]) + b[o]), where each of ky, kx, c ascends
   * and c changes fastest. `scratch` points at `KernelSizes.convScratchFloats` floats.
   */
  convForward(
    x: Pointer,
    w: Pointer,
    b: Pointer,
    y: Pointer,
    rows: number,
    height: number,
    width: number,
    channels: number,
    kernel: number,
    stride: number,
    padding: number,
    outputs: number,
    activation: ActivationCode,
    scratch: Pointer,
  ): void;

  /**
   * Gradient of a convolution's parameters: gw[ky,kx,c,o] = sum over r, oy, ox of x[r,iy,ix,c] delta[r,oy,ox,o],
   * gb[o] = sum over r, oy, ox of delta[r,oy,ox,o], ascending with ox fastest, written as `write` says.
   */
  convParameterGradient(
    x: Pointer,
    delta: Pointer,
    gw: Pointer,
    gb: Pointer,
    rows: number,
    height: number,
    width: number,
    channels: number,
    kernel: number,
    stride: number,
    padding: number,
    outputs: number,
    write: WriteCode,
    scratch: Pointer,
  ): void;

  /**
   * Gradient at a convolution's input, carried back through the activation that made that input, as in
   * `denseInputGradient`: the sum for x[r,iy,ix,c] is that over oy, ox, o, ascending with o fastest, of
   * delta[r,oy,ox,o] w[ky,kx,c,o]. `wT` has w[ky,kx,c,o] at [ky,o,kx,c]: `transpose` makes each ky's matrix of it.
   */
  convInputGradient(
    delta: Pointer,
    wT: Pointer,
    x: Pointer,
    deltaIn: Pointer,
    rows: number,
    height: number,
    width: number,
    channels: number,
    kernel: number,
    stride: number,
    padding: number,
    outputs: number,
    activation: ActivationCode,
    scratch: Pointer,
  ): void;

  /**
   * y[r,oy,ox,c] = activation(the largest input of a window), where the inputs are x[r,iy,ix,c] with
   * iy = oy * stride + ky, ix = ox * stride + kx, for ky and kx below `size`. All windows lie in the image. `winners` gets
   * one byte per output: ky * size + kx of the largest input, the first of equals. `size` is at most 16.
   */
  maxPoolForward(
    x: Pointer,
    y: Pointer,
    winners: Pointer,
    rows: number,
    height: number,
    width: number,
    channels: number,
    size: number,
    stride: number,
    activation: ActivationCode,
  ): void;

  /**
   * Gradient at the input of `maxPoolForward`, carried back through the activation that made that input, as in
   * `denseInputGradient`: the sum for x[r,iy,ix,c] is that over oy, ox, ascending with ox fastest, of
   * delta[r,oy,ox,c] for the windows that it has won.
   */
  maxPoolInputGradient(
    delta: Pointer,
    winners: Pointer,
    x: Pointer,
    deltaIn: Pointer,
    rows: number,
    height: number,
    width: number,
    channels: number,
    size: number,
    stride: number,
    activation: ActivationCode,
  ): void;

  /**
   * Loss of a micro-batch and its gradient at the last layer's scores. `sums` points at two floats, written as `write`
   * says: the sum of the samples' losses (r ascending) and the number of samples whose largest output (the first of
   * equals) is the label's. delta[r,c] is the derivative of one sample's loss (not divided by the batch) with respect
   * to the score before `activation`. Per sample, with t the one-hot label:
   *   quadratic             0.5 * sum (y - t)^2;   delta = (y - t) * activation'(y)
   *   sigmoidCrossEntropy   sum max(y,0) - y t + log(1 + exp(-|y|));   delta = sigmoid(y) - t
   *   softmaxCrossEntropy   log(sum exp(y - max)) - (y_t - max);   delta = softmax(y) - t
   */
  outputLoss(
    loss: LossCode,
    activation: ActivationCode,
    y: Pointer,
    labels: Pointer,
    delta: Pointer,
    sums: Pointer,
    rows: number,
    classes: number,
    write: WriteCode,
    scratch: Pointer,
  ): void;

  /** predictions[r] (uint8) = the class with the largest y[r], the first of equals. */
  argmax(y: Pointer, predictions: Pointer, rows: number, classes: number): void;

  /** out = a + b, element by element: one node of the canonical tree (E3). `out` may be a or b. */
  add(a: Pointer, b: Pointer, out: Pointer, floats: number): void;

  /**
   * SGD with momentum (Sutskever et al. 2013, as in PyTorch): g = (sum / samples) * factor; g = g + decay * w, unless
   * decay is 0; v = momentum * v + g; w = w - rate * v, or, if `nesterov` is 1, w = w - rate * (g + momentum * v).
   * `samples` is a float32 and every operation rounds; w and v are updated in place. With momentum 0 there is no
   * velocity: w = w - rate * g, and v is left alone.
   */
  sgd(
    w: Pointer,
    v: Pointer,
    sum: Pointer,
    floats: number,
    samples: number,
    rate: number,
    momentum: number,
    factor: number,
    decay: number,
    nesterov: 0 | 1,
  ): void;

  /**
   * The update of Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019): g = (sum / samples) * factor;
   * m = beta1 * m + (1 - beta1) * g; v = beta2 * v + ((1 - beta2) * g) * g; w = kept * w - size * (m / (sqrt(v) * scale +
   * epsilon)). Every operation rounds; w, m and v are updated in place.
   */
  adam(
    w: Pointer,
    m: Pointer,
    v: Pointer,
    sum: Pointer,
    floats: number,
    samples: number,
    factor: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    size: number,
    scale: number,
    kept: number,
  ): void;

  /** Returns 1 if all floats are finite, otherwise 0. */
  allFinite(x: Pointer, floats: number): number;

  /**
   * Which blocks of `changeBlockFloats` floats differ in any bit from those of `base`, or from +0 where `base` is 0: bit
   * n of `mask`, the lowest bit of the first byte first, is that of block n. The last block may be shorter; the bits
   * behind it, to the end of its byte, are 0.
   */
  changes(x: Pointer, base: Pointer, floats: number, mask: Pointer): void;

  /**
   * Replaces each number by the nearest one that a code of `bits` bits (4, 8 or 16) can say. Every block of
   * `changeBlockFloats` floats, the last one perhaps shorter, has its own scale: with the exponent e of its largest
   * number, the codes count units of 2^(e - (bits - 2)), or of 2^-126 if that is larger. Codes that are rounded up to
   * 2^(bits - 1) are one less instead. A result of zero is +0. Quantised numbers stay as they are.
   */
  quantise(x: Pointer, floats: number, bits: CodeBits): void;

  /**
   * Makes an update one that travels in codes. `w` points at the new weights, `change` at the old ones. With
   * c = (change - w) + residual and d = c quantised: residual = c - d; w = change - d; change = d.
   */
  settle(w: Pointer, change: Pointer, residual: Pointer, floats: number, bits: CodeBits): void;

  /**
   * Writes the blocks whose bit is set in `mask` as codes, one block after the other: a byte with the scale, then the
   * codes. Returns the number of bytes. The numbers need not be quantised.
   */
  encode(x: Pointer, floats: number, bits: CodeBits, mask: Pointer, out: Pointer): number;

  /**
   * Reads what `encode` has written: x = number, or x = x - number if `subtract` is 1, in the blocks whose bit is set in
   * `mask`. The other blocks stay as they are.
   */
  decode(codes: Pointer, floats: number, bits: CodeBits, mask: Pointer, x: Pointer, subtract: 0 | 1): void;

  /** y = exp(x), element by element: within 2 ulp, +0 below the range and +Infinity above it. */
  exp(x: Pointer, y: Pointer, floats: number): void;

  /** y = log(x) for x >= 0, element by element: within 2 ulp; log(0) = -Infinity. */
  log(x: Pointer, y: Pointer, floats: number): void;
}

/** Floats of a block of `changes` and of `quantise`: less than one pixel's weights in most models, more than its bit costs. */
export const changeBlockFloats = 64;

/** How many bits a code of `quantise` has. */
export type CodeBits = 4 | 8 | 16;

/** Bytes of the codes of a block of `floats` numbers, with its scale. */
export function codedBlockBytes(floats: number, bits: CodeBits): number {
  return 1 + Math.ceil((floats * bits) / 8);
}
