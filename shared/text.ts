/**
 * Text from outside that ends up in a terminal, a log or a page: one line, printable, of bounded length. Control
 * characters could drive a terminal, and marks of direction could make one name look like another.
 */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

export function isPrintable(text: string): boolean {
  return printable.test(text);
}

/** The text with every unprintable character as "?", cut off after `lengthMax` UTF-16 units. */
export function printableOf(text: string, lengthMax: number): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return cut.replace(unprintable, '?');
}
