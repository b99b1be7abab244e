/**
 * What tells this browser from others of the same name behind the same router: a random text that the page's storage keeps.
 * A ban of one phone of a class must not be a ban of all. The text says nothing about the visitor, and no one but the
 * coordinator that the page joins gets it.
 */

const key = 'lockstep-device';

/** Where the text is kept, or null if this page may store nothing. Then every visit is another device. */
export function deviceOf(storage: Pick<Storage, 'getItem' | 'setItem'> | null): string {
  const kept = attempt(() => storage?.getItem(key));
  if (kept && /^[0-9a-f]{32}$/.test(kept)) return kept;
  const made = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0'));
  const device = made.join('');
  attempt(() => storage?.setItem(key, device));
  return device;
}

/** A storage may be full, or closed to this page. */
function attempt<T>(use: () => T): T | null {
  try {
    return use();
  } catch {
    return null;
  }
}
