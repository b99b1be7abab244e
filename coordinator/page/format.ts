/** Figures as the pages show them. */

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const times = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function count(value: number): string {
  return counts.format(value);
}

/** Short: 1,234, 12.3 k, 1.23 M. */
export function rate(value: number): string {
  if (value > 0 && value < 10) return value.toFixed(1);
  if (value < 10_000) return count(value);
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} k` : `${(value / 1e6).toFixed(2)} M`;
}

export function loss(value: number | null): string {
  if (value === null) return '–';
  return value >= 100 ? value.toFixed(1) : value.toPrecision(4);
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.floor(whole / 60);
  if (whole < 172_800) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} days`;
}

/** The time of day, from milliseconds since 1970. */
export function clock(at: number): string {
  return times.format(at);
}
