/** Checks with axe-core whether people can use a page without seeing it and without a mouse. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Returns a line for each serious or critical violation, with the rule and the elements. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}
