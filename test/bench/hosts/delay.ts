/**
 * Makes a TCP server seem far away: forwards connections to it, and keeps every piece of data for a time before it passes
 * it on. A program of its own, because it runs on the coordinator's host:
 *
 *     node delay.js PORT TARGET-PORT MILLISECONDS     the delay of one direction
 *
 * It delays what is in a connection. The handshake of TCP and its acknowledgements are as fast as without it.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/** Bytes of a connection and direction that wait. If there are more, the sender waits. */
const waitingBytesMax = 4 * 1024 * 1024;

/** Listens on `port` of all addresses. */
export function delayingServer(port: number, targetPort: number, delayMs: number): Server {
  // One direction may end before the other.
  return createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const distant = connect({ host: '127.0.0.1', port: targetPort, noDelay: true, allowHalfOpen: true });
    forward(near, distant, delayMs);
    forward(distant, near, delayMs);
  }).listen(port);
}

function forward(from: Socket, to: Socket, delayMs: number): void {
  let waiting = 0;
  from.on('data', (piece) => {
    waiting += piece.length;
    if (waiting > waitingBytesMax) from.pause();
    // Timers of one length fire in the order in which they were set.
    setTimeout(() => {
      waiting -= piece.length;
      to.write(piece);
      from.resume();
    }, delayMs);
  });
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => to.destroy());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, targetPort, delayMs] = process.argv.slice(2).map(Number);
  delayingServer(port, targetPort, delayMs);
}
