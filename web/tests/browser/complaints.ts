import { expect, type Page } from '@playwright/test'

/** A fixture: what the browser's console said that is no good, errors and what the page's policy stopped. There must be nothing. */
export async function noComplaints(
  { page }: { page: Page },
  use: (complaints: string[]) => Promise<void>,
): Promise<void> {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // The browser tells a refused request by itself: conflicts and refusals are part of the tests.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await use(complaints)
  expect(complaints).toEqual([])
}
