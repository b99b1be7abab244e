/** Draws digits on the dashboard's pad like a hand with a mouse: each stroke has many small moves. */
import type { Page } from 'playwright-core';
import type { PenStroke } from '../../coordinator/page/ink.js';

/** Corners of the strokes, as parts of the pad's side. The digits are small and off-centre, so the page must adjust. */
export const drawnDigits: Readonly<Record<1 | 7, readonly PenStroke[]>> = {
  1: [
    [
      { x: 0.66, y: 0.2 },
      { x: 0.62, y: 0.66 },
    ],
  ],
  7: [
    [
      { x: 0.22, y: 0.3 },
      { x: 0.56, y: 0.28 },
      { x: 0.36, y: 0.78 },
    ],
  ],
};

export async function drawDigit(page: Page, digit: 1 | 7): Promise<void> {
  const pad = page.locator('#pad');
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  if (box === null) throw new Error('there is no pad');
  const at = ({ x, y }: { x: number; y: number }) => [box.x + x * box.width, box.y + y * box.height] as const;
  for (const [first, ...corners] of drawnDigits[digit]) {
    await page.mouse.move(...at(first));
    await page.mouse.down();
    for (const corner of corners) await page.mouse.move(...at(corner), { steps: 12 });
    await page.mouse.up();
  }
}
