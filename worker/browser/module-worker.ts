/**
 * Starts a script as a web worker, even if the script belongs to another site. A browser does not start a worker of
 * another site. But a worker of the page's own site may import a script of another site, so this function makes such a
 * worker. A page needs this if it loads this library from a coordinator's address.
 */
export function moduleWorker(script: URL, name: string): Worker {
  if (script.origin === location.origin) return new Worker(script, { type: 'module', name });
  const source = new Blob([`import ${JSON.stringify(script.href)};`], { type: 'text/javascript' });
  const url = URL.createObjectURL(source);
  const worker = new Worker(url, { type: 'module', name });
  URL.revokeObjectURL(url);
  return worker;
}
