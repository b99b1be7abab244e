/**
 * Reads server-sent events out of a stream of text. `EventSource` would, but sends no header, and the token may not
 * stand in an address. Pure; fields other than `data` are not used here and are skipped.
 */
export class EventReader {
  private rest = '';

  /** `charactersMax` bounds an event whose end does not come. */
  constructor(private readonly charactersMax: number) {}

  /** The data of the events that `text` completes. */
  push(text: string): string[] {
    // A carriage return at the end may be half of a line end: it waits for what follows.
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
