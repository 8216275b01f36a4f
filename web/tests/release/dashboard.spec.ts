import { test as base, expect } from '@playwright/test'
import { noComplaints } from '../browser/complaints'
import { faults } from '../browser/faults'
import { picture, said } from './said'

const test = base.extend<{ complaints: string[] }>({ complaints: noComplaints })

test('a release on the cluster is approved and seen to its end: the ledger, the queues of both colours', async ({
  page,
  complaints: _,
}) => {
  test.setTimeout(600_000)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(said('CROSSFADE_PAGE'))
  await page.getByRole('link', { name: /^shop / }).click()
  await page.getByRole('button', { name: 'Approve the plan' }).click()
  await expect(page.getByRole('status')).toContainText("FrappeRelease 'shop' has its plan approved")
  const queues = page.getByRole('region', { name: 'Queues' })
  for (const colour of ['blue', 'green']) {
    await expect(queues.getByRole('row', { name: new RegExp(`^${colour}: default( \\d+){4}$`) })).toBeVisible({
      timeout: 300_000,
    })
  }
  const sites = page.getByRole('region', { name: 'Sites' })
  await sites.getByRole('button', { name: /^Ledger, \d+ lines$/ }).click()
  const ledger = sites.getByRole('region', { name: /^Ledger of / })
  await expect(
    ledger.getByRole('listitem').filter({ hasText: /^[\d:]{8}\s*expand: steps .+\d+ of \d+$/ }),
  ).not.toHaveCount(0)
  await expect(ledger.getByRole('listitem').filter({ hasText: 'expand: verify' })).not.toHaveCount(0)
  expect(await faults(page)).toEqual([])
  await page.setViewportSize({ width: 1440, height: 1240 })
  await picture(page, 'dashboard-ledger')
  // It stays open from Job to Job.
  const later = ledger.getByRole('listitem').filter({ hasText: /contract\s+blue's user dropped\s*4 of 4$/ })
  await expect(later).toHaveCount(1, { timeout: 300_000 })
  await expect(page.getByText('Complete', { exact: true }).first()).toBeVisible({ timeout: 60_000 })
})
