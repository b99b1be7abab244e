/**
 * Starts a script as a web worker, wherever it lies. A browser starts no worker of another site, but lets one of ours
 * import from there: that is what a page needs that uses this library from a coordinator's address.
 */
export function moduleWorker(script: URL, name: string): Worker {
  if (script.origin === location.origin) return new Worker(script, { type: 'module', name });
  const source = new Blob([`import ${JSON.stringify(script.href)};`], { type: 'text/javascript' });
  const url = URL.createObjectURL(source);
  const worker = new Worker(url, { type: 'module', name });
  URL.revokeObjectURL(url);
  return worker;
}
