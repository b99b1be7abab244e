/** A float32 as people write it: 0.1 instead of 0.10000000149. */
export function shorter(x: number): number {
  return Number(x.toPrecision(6));
}
