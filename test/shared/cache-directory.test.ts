import { expect, it } from 'vitest';
import { cacheDirectory } from '../../shared/cache-directory.js';

it.each([
  [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, 'linux', '/x/lockstep'],
  [{ HOME: '/h' }, 'linux', '/h/.cache/lockstep'],
  [{}, 'linux', '/home/of-the-system/.cache/lockstep'],
  [{ HOME: '/h' }, 'darwin', '/h/Library/Caches/lockstep'],
  [{ LOCALAPPDATA: '/local' }, 'win32', '/local/lockstep'],
  [{ USERPROFILE: '/user' }, 'win32', '/user/AppData/Local/lockstep'],
  [{ LOCKSTEP_CACHE: '/own', XDG_CACHE_HOME: '/x', HOME: '/h' }, 'linux', '/own'],
])('the cache of %o on %s is %s', (environment, platform, path) => {
  expect(cacheDirectory(environment, platform, '/home/of-the-system')).toBe(path);
});
