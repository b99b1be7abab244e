/** Draws digits on the dashboard's pad like a hand with a mouse: each stroke has many small moves. */
import type { Page } from 'playwright-core';
import type { PenStroke } from '../../coordinator/page/ink.js';
import { drawingExtent, drawings } from '../drawn/drawings.js';

/** Where the drawing lies on the pad, in parts of its side: small and off-centre, so the page must adjust. */
const place = { left: 0.32, top: 0.1, side: 0.6 };

/** Draws the first drawing of this digit. */
export async function drawDigit(page: Page, digit: number): Promise<void> {
  const pad = page.locator('#pad');
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  if (box === null) throw new Error('there is no pad');
  const at = ({ x, y }: PenStroke[number]) => {
    const part = (start: number, along: number) => start + (place.side * along) / drawingExtent;
    return [box.x + part(place.left, x) * box.width, box.y + part(place.top, y) * box.height] as const;
  };
  for (const [first, ...points] of drawings.find((drawing) => drawing.digit === digit)?.strokes ?? []) {
    await page.mouse.move(...at(first));
    await page.mouse.down();
    for (const point of points) await page.mouse.move(...at(point));
    await page.mouse.up();
  }
}
