/**
 * x^n for a whole n from 0, in double precision. It only multiplies, in an order that n decides, so every engine gives
 * the same bits.
 */
export function power(x: number, n: number): number {
  let [product, square] = [1, x];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) product *= square;
    square *= square;
  }
  return product;
}
