/** What axe-core finds wrong with a page for those who do not see it or use no mouse. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** A line for each serious or critical violation: the rule, and the elements. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}
