/** Breaks text into lines for a terminal. */
import { stripVTControlCharacters } from 'node:util';

/** Of a terminal of the usual width. */
export const columnsUsual = 80;

/** Lines of whole parts, such as words. Each line begins with `indent`; a part that is too long has a line of its own. */
export function wrapped(parts: readonly string[], indent = ''): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const line = `${last} ${part}`;
    if (last !== undefined && line.length <= columnsUsual) lines[lines.length - 1] = line;
    else lines.push(indent + part);
  }
  return lines;
}

/**
 * A command with its words, or an option with its value. They stay on one line, so that they can be copied. They end at a
 * comma, a semicolon or two spaces.
 */
const copied = /(?:npx )?lockstep [a-z]+(?: [^\s,;]+)*|--[a-z-]+ [^\s,;-][^\s,;]*/g;
const glue = '\u0000';

/** Breaks a line of text, which may have colours, at spaces. All lines but the first begin with `indent`. */
export function wrappedText(text: string, width: number, indent: string): string {
  const [first, ...parts] = text.replace(copied, (unit) => unit.replaceAll(' ', glue)).split(' ');
  const lines = [first];
  for (const part of parts) {
    const line = `${lines[lines.length - 1]} ${part}`;
    if (stripVTControlCharacters(line).length <= width) lines[lines.length - 1] = line;
    else if (part !== '') lines.push(indent + part);
  }
  return lines.join('\n').replaceAll(glue, ' ');
}
