/**
 * Reads server-sent events from a stream of text. The browser's `EventSource` cannot send a token in a header, and a token
 * must not be part of an address. Pure; only the field `data` is used, and others are skipped.
 */
export class EventReader {
  private rest = '';

  /** An event with more characters than this ends the stream. */
  constructor(private readonly charactersMax: number) {}

  /** The data of the events that `text` completes. */
  push(text: string): string[] {
    // A carriage return at the end may be half of a line end, so it waits for the next character.
    const all = this.rest + text;
    const held = all.endsWith('\r') ? 1 : 0;
    const blocks = all
      .slice(0, all.length - held)
      .replace(/\r\n?/g, '\n')
      .split('\n\n');
    this.rest = blocks.pop()! + (held ? '\r' : '');
    if (this.rest.length > this.charactersMax) throw new Error('an event is too long');
    return blocks.map(dataOf).filter((data) => data !== null);
  }
}

function dataOf(block: string): string | null {
  const lines = block
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).replace(/^ /, ''));
  return lines.length === 0 ? null : lines.join('\n');
}
