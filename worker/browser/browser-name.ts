/**
 * A name for people, such as "Firefox on Linux", made from a browser's user agent string. The lists are in order of
 * precedence, because most browsers also contain the names of others in that string.
 */
export function browserName(userAgent: string): string {
  const first = (names: readonly (readonly [pattern: RegExp, name: string])[]) =>
    names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const system = first(systems);
  const browser = first(browsers) ?? 'browser';
  return system === undefined ? browser : `${browser} on ${system}`;
}

const browsers = [
  [/Edg/, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
] as const;

const systems = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/CrOS/, 'ChromeOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
] as const;
