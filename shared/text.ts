/**
 * Checks and cleans text from outside that is shown in a terminal, a log or a page. Such text must be one line of
 * printable characters. Control characters could send commands to a terminal, and direction marks could make one name
 * look like another.
 */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

export function isPrintable(text: string): boolean {
  return printable.test(text);
}

/** Shortens the text to at most `lengthMax` UTF-16 units, and replaces every unprintable character by "?". */
export function printableOf(text: string, lengthMax: number): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return cut.replace(unprintable, '?');
}
