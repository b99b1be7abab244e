/** Opens the sockets that a session driver uses in a browser. */
import { offer } from '../../shared/protocol/handshake.js';
import type { Socket, SocketObserver } from '../session-driver.js';

/** If the peer does not answer a close within this time, the socket counts as closed. */
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
      // `socket.send` copies the frame before it returns, so the frame's buffer is free afterwards.
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

/** Browsers do not let scripts use the other close codes. */
function isForScripts(closeCode: number): boolean {
  return closeCode === 1000 || closeCode >= 3000;
}
