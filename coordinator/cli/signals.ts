/** Ctrl-C, and what a service manager sends: the first asks to stop in good order, the second stops at once. */

/** Stopping in good order takes so long at most, whatever peers and disks do. */
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

/** By the signal itself, which shells report as 130: `process.exit` would wait for a disk that does not answer. */
function end(): void {
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}
