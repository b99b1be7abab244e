/** The line of a run as a picture, for a legend. */
import { lineOf } from '../picture/run-line.js';

const SVG = 'http://www.w3.org/2000/svg';

export function swatchOf(run: number): SVGElement {
  const { colour, dash } = lineOf(run);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'swatch');
  svg.setAttribute('viewBox', '0 0 34 10');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', 'M1 5H33');
  line.setAttribute('stroke', `var(--${colour})`);
  line.setAttribute('stroke-width', '3');
  line.setAttribute('stroke-dasharray', dash.join(' '));
  svg.append(line);
  return svg;
}
