/** How others join: the link as a QR code and as text to copy, and the command for a terminal. */
import { encode } from 'uqr';
import { type Credentials, fragmentOf } from '../../shared/protocol/handshake.js';
import type { JoinLinks } from '../web/state.js';
import { find, setText } from './elements.js';

const SVG = 'http://www.w3.org/2000/svg';

export class JoinCard {
  private link = '';

  constructor() {
    find('copy-link', HTMLButtonElement).addEventListener('click', () => void this.copy());
    const command = find('join-command', HTMLInputElement);
    command.addEventListener('focus', () => command.select());
  }

  /** A viewer without the token cannot pass it on, and the card says so. The card is hidden if workers cannot join. */
  render(links: JoinLinks | null, { token }: Credentials): void {
    find('join-card', HTMLElement).hidden = links === null;
    if (links === null) return;
    const { url, command, needsToken } = links;
    const fragment = fragmentOf({ token: needsToken ? token : null, operatorToken: null });
    const isUsable = !needsToken || token !== null;
    find('join-open', HTMLElement).hidden = !isUsable;
    const secret = find('join-private', HTMLElement);
    secret.hidden = isUsable;
    setText(secret, 'Whoever has the join link can pass it on: this page was opened without it.');
    const line = find('join-command', HTMLInputElement);
    const wanted = command + fragment;
    if (line.value !== wanted) line.value = wanted;
    if (url + fragment === this.link) return;
    this.link = url + fragment;
    find('join-link', HTMLAnchorElement).href = this.link;
    find('qr', HTMLElement).replaceChildren(qrCode(this.link));
  }

  private async copy(): Promise<void> {
    const done = await copied(this.link);
    const status = find('copy-status', HTMLElement);
    setText(status, done ? 'Copied.' : `Copy it yourself: ${this.link}`);
    if (done) setTimeout(() => setText(status, ''), 3000);
  }
}

/** On plain HTTP, scripts have no clipboard; copying a selection still works there. */
async function copied(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => copiedBySelection(text),
    );
  }
  return copiedBySelection(text);
}

function copiedBySelection(text: string): boolean {
  const focused = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'off-screen';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

function qrCode(text: string): SVGElement {
  const { size, data } = encode(text, { ecc: 'M', border: 2 });
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  const path = document.createElementNS(SVG, 'path');
  const squares = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')));
  path.setAttribute('d', squares.join(''));
  svg.append(path);
  return svg;
}
