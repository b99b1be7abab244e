/**
 * The names under which the members of a fleet are shown. All tabs of a browser give the same name, so a second member of
 * a name gets a number: "Chrome on Linux 2". A number is free again when its member has left.
 *
 * What this is not: a member's identity. Bans and the wire know the name that the worker itself gives.
 */
export class ShownNames {
  private readonly inUse = new Set<string>();

  /** Returns the name that is shown. It is in use until it is given back. */
  take(name: string): string {
    let shown = name;
    for (let n = 2; this.inUse.has(shown); n++) shown = `${name} ${n}`;
    this.inUse.add(shown);
    return shown;
  }

  giveBack(shown: string): void {
    this.inUse.delete(shown);
  }
}
