import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'

/** The serious accessibility faults that axe finds on a page. */
export async function faults(page: Page): Promise<string[]> {
  // Animations that run would be measured half-way.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined))),
  )
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary?.split('\n')[1] ?? ''}`),
    )
}
