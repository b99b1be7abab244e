/** The driver's sockets in a browser. */
import { offer } from '../../shared/protocol/handshake.js';
import type { Socket, SocketObserver } from '../session-driver.js';

/** A peer that does not answer a close is left behind after so long. */
const closeMs = 1_000;

export function openSocket(url: string, token: string | null, observer: SocketObserver): Socket {
  const socket = new WebSocket(url, offer(token));
  socket.binaryType = 'arraybuffer';
  let isClosed = false;
  const closed = (reason: string | null) => {
    if (isClosed) return;
    isClosed = true;
    observer.closed(reason);
  };
  socket.onopen = () => observer.opened();
  socket.onmessage = ({ data }) => observer.received(data instanceof ArrayBuffer ? new Uint8Array(data) : nothing);
  socket.onclose = ({ reason }) => closed(reason === '' ? null : reason);
  return {
    send: (frame, whenSent) => {
      // It copies the frame before it returns, and sends nothing unless it is open.
      if (socket.readyState === WebSocket.OPEN) socket.send(frame as Uint8Array<ArrayBuffer>);
      whenSent();
    },
    close: (closeCode) => {
      socket.close(isForScripts(closeCode) ? closeCode : undefined);
      setTimeout(() => closed(null), closeMs);
    },
  };
}

const nothing = new Uint8Array(0);

/** Browsers keep the other codes to themselves. */
function isForScripts(closeCode: number): boolean {
  return closeCode === 1000 || closeCode >= 3000;
}
