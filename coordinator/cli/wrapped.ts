/** Breaks text into lines for a terminal of the usual width. */

const columns = 80;

/** Lines of whole parts, such as words. Each line begins with `indent`; a part that is too long has a line of its own. */
export function wrapped(parts: readonly string[], indent = ''): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const line = `${last} ${part}`;
    if (last !== undefined && line.length <= columns) lines[lines.length - 1] = line;
    else lines.push(indent + part);
  }
  return lines;
}
