/** Ctrl-C, and what a service manager sends: the first asks to stop in good order, the second stops at once. */
export function onInterrupt(stop: () => void): void {
  let asked = false;
  const handle = () => {
    if (asked) process.exit(130);
    asked = true;
    stop();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
}
