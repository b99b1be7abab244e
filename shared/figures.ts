/** Numbers as people read them. */

/** A float32 with the digits that mean something: 0.1 instead of 0.10000000149. */
export function shorter(x: number): number {
  return Number(x.toPrecision(6));
}

/** 1,234,567. */
export function grouped(x: number): string {
  return x.toLocaleString('en-US');
}

/** 97.84 %, of a fraction from 0 to 1; a dash if there is none. */
export function percent(fraction: number | null): string {
  return fraction === null ? '–' : `${(100 * fraction).toFixed(2)} %`;
}

/** 814 kB, 3.81 GB. */
export function byteCount(bytes: number): string {
  let scaled = bytes;
  let n = 0;
  for (; scaled >= 999.5 && n < byteUnits.length - 1; n++) scaled /= 1000;
  return `${n === 0 || scaled >= 99.95 ? Math.round(scaled) : scaled.toPrecision(3)} ${byteUnits[n]}`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'];
