/** Names the directory that keeps what Lockstep has downloaded or compiled, as each platform's rules say. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** `home` is the user's home directory, for an environment that does not name it. LOCKSTEP_CACHE names the directory. */
export function cacheDirectory(environment: Environment, platform: string, home: string): string {
  const { LOCKSTEP_CACHE, XDG_CACHE_HOME, HOME, USERPROFILE, LOCALAPPDATA } = environment;
  if (LOCKSTEP_CACHE) return LOCKSTEP_CACHE;
  if (XDG_CACHE_HOME) return `${XDG_CACHE_HOME}/lockstep`;
  const user = HOME || USERPROFILE || home;
  if (platform === 'darwin') return `${user}/Library/Caches/lockstep`;
  if (platform === 'win32') return `${LOCALAPPDATA || `${user}/AppData/Local`}/lockstep`;
  return `${user}/.cache/lockstep`;
}
