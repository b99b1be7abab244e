/** SIGINT (Ctrl-C) and SIGTERM: the first signal asks the program to stop in good order, the second ends it at once. */

/** Longest time for stopping in good order. After it, the process ends even if a peer or a disk does not answer. */
const stopMs = 2_800;

export function onInterrupt(stop: () => void): void {
  let asked = false;
  const handle = () => {
    if (asked) return end();
    asked = true;
    setTimeout(giveUp, stopMs).unref();
    stop();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
}

function giveUp(): void {
  process.stderr.write('lockstep: stopped before all was written: the newest checkpoint that is whole stands\n');
  end();
}

/** Ends by the signal itself, which shells report as 130. `process.exit` would wait for a disk that does not answer. */
function end(): void {
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}
