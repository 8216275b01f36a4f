import { fileURLToPath } from 'node:url'
import { fixture } from './apiserver'
import { dashboard, expect, happened, NAMESPACE, plan, pod, storedPlan, test, withStatus } from './dashboard'

/** Written only when they are asked for: fonts differ between machines, so they are looked at, not compared. */
test.skip(process.env.SCREENSHOTS === undefined, 'SCREENSHOTS=1 writes docs/images')

const at = (name: string) => fileURLToPath(new URL(`../../../docs/images/dashboard-${name}.png`, import.meta.url))
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()
const whole = (seconds: number) => ago(seconds).replace(/\.\d+Z$/, 'Z')
const micro = (seconds: number) => ago(seconds).replace('Z', '000Z')

for (const theme of ['light', 'dark'] as const) {
  test(`the list and one release, ${theme}`, async ({ api, page }) => {
    const stored = plan('erp.example.com') as { hash: string; verdict: string; summary: string }
    api.put(storedPlan(stored, 'erp', NAMESPACE, 2))
    const shop = fixture(api, 'approval_steps', 'erp', NAMESPACE)
    const values = [0.2, 0.4, 0.3, 0.9, 0.6, 0.35, 0.3].map((value, index) => ({
      number: index + 1,
      at: whole(90 - index * 10),
      outcome: value > 0.8 ? 'Failed' : 'Passed',
      value: String(value),
    }))
    const run = { place: "step 2 of '*'", result: 'Running', since: whole(95), measured: 7, count: 10, failed: 1 }
    const status = shop['status'] as { conditions: { [key: string]: string }[] }
    const conditions = status.conditions.map((one, index) => ({ ...one, lastTransitionTime: whole(900 - index * 60) }))
    api.put(
      withStatus(shop, {
        conditions,
        phaseSince: whole(190),
        waitingSince: whole(42),
        plan: { hash: stored.hash, verdict: stored.verdict, summary: stored.summary, approved: true },
        analyses: [{ name: 'errors', ...run, dryRun: false, measurements: values }],
      }),
    )
    for (const [part, revision] of [
      ['web', 1],
      ['worker-default', 1],
      ['scheduler', 1],
      ['web', 2],
      ['worker-default', 2],
    ] as const) {
      api.put(pod(part, revision, true))
    }
    const events = [
      ['Planned', 'plan made: Synced', 880],
      ['Isolated', 'blue serves from its schema of views', 700],
      ['Expanded', 'the tables serve both versions', 520],
      ['GreenReady', 'green answers', 240],
      ['Shifted', '20 % of shop on green', 190],
      ['Waiting', "waits for the approval 'sales'", 42],
    ] as const
    for (const [reason, note, seconds] of events) {
      api.put(happened(`erp.${reason.toLowerCase()}`, reason, note, micro(seconds)))
    }
    const waiting = { phaseSince: whole(640), waitingSince: whole(610) }
    api.put(withStatus(fixture(api, 'job_failed', 'lms', NAMESPACE), waiting))
    api.put(withStatus(fixture(api, 'approval_steps', 'shop', NAMESPACE), waiting))
    const expanding = fixture(api, 'expanding', 'fill', NAMESPACE)
    api.put(withStatus(expanding, { phaseSince: whole(80), waitingSince: whole(80) }))
    const site = { name: 'erp.example.com', step: 'expand', state: 'Running', total: 1_000_000 }
    const since = (type: string) => (type === 'Planned' ? 300 : type === 'Isolated' ? 80 : 310)
    const of = expanding['status'] as { conditions: { type: string }[] }
    const begun = of.conditions.map((one) => ({ ...one, lastTransitionTime: whole(since(one.type)) }))
    const filled = (done: number) =>
      withStatus(expanding, {
        phaseSince: whole(80),
        waitingSince: whole(80),
        conditions: begun,
        sites: [{ ...site, done, message: 'backfill of tabItem' }],
      })
    const server = await dashboard(api.admin)
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await page.goto(server.url)
    await expect(page.getByRole('link', { name: /^erp / })).toBeVisible()
    await page.screenshot({ path: at(`list-${theme}`) })
    await page.goto(`${server.origin}/#/${NAMESPACE}/erp`)
    await expect(page.getByRole('button', { name: /\d+ changes? on/ })).toBeVisible()
    await page.setViewportSize(theme === 'light' ? { width: 1440, height: 1100 } : { width: 1920, height: 1080 })
    await page.screenshot({ path: at(`release-${theme}`) })
    if (theme === 'light') {
      const card = page.getByRole('region', { name: 'Plan' })
      await card.getByRole('button', { name: /\d+ changes? on/ }).click()
      await card.getByRole('button', { name: /^SQL:/ }).click()
      await card.evaluate((element) => element.scrollIntoView())
      await page.screenshot({ path: at('plan') })
      await page.reload()
      await expect(page.getByRole('button', { name: /\d+ changes? on/ })).toBeVisible()
      await page.setViewportSize({ width: 900, height: 700 })
      await page.screenshot({ path: at('900px') })
    }
    if (theme === 'light') {
      await page.setViewportSize({ width: 1440, height: 900 })
      api.put(filled(412_000))
      await page.goto(`${server.origin}/#/${NAMESPACE}/fill`)
      const sites = page.getByRole('region', { name: 'Sites' })
      await expect(sites).toContainText('412,000')
      api.put(filled(420_000))
      await expect(sites).toContainText('a second')
      await page.screenshot({ path: at('backfill') })
    }
    await server.stop()
  })
}
