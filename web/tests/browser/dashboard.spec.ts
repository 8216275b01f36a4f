import { fixture } from './apiserver'
import { dashboard, expect, happened, NAMESPACE, pod, say, test, withStatus } from './dashboard'
import { faults } from './faults'

test('the list and a release move while the operator writes, without a reload', async ({
  api,
  page,
  complaints: _,
}) => {
  const server = await dashboard(api.admin)
  const shifting = fixture(api, 'shifting', 'erp', NAMESPACE)
  api.put(shifting)
  await page.goto(server.url)
  const line = page.getByRole('link', { name: /^erp / })
  await expect(line).toContainText('10 % on green, pausing for 25 s')
  // What waits for somebody or stands still comes first.
  await expect(page.getByRole('heading', { level: 2 }).first()).toHaveText('lms')
  await line.click()
  await expect(page.getByRole('img', { name: /^\*:/ })).toHaveAccessibleName(/90 % on blue, 10 % on green/)
  await page.evaluate(() => Object.assign(window, { isTheSamePage: true }))
  const app = { name: '*', step: 3, steps: 3, weight: 100 }
  api.put(withStatus(shifting, { apps: [app], weight: 100, message: '100 % on green' }))
  await expect(page.getByRole('img', { name: /^\*:/ })).toHaveAccessibleName(/0 % on blue, 100 % on green/)
  await expect(page.getByText('100 % on green', { exact: true })).toBeVisible()
  api.put(happened('erp.1', 'Shifted', 'all traffic is on green', new Date().toISOString().replace('Z', '000Z')))
  api.put(pod('web', 2, false))
  await expect(page.getByRole('region', { name: 'Events' })).toContainText('all traffic is on green')
  await expect(page.getByRole('group', { name: 'green' })).toContainText('web 0/1')
  await expect(page.getByRole('group', { name: 'green' })).toContainText('ImagePullBackOff')
  api.put(pod('web', 2, true))
  await expect(page.getByRole('group', { name: 'green' })).toContainText('web 1/1')
  expect(await page.evaluate(() => 'isTheSamePage' in window)).toBe(true)
  api.kubectl(['-n', NAMESPACE, 'delete', 'pod', 'erp-r2-web', '--force'])
  await server.stop()
})

test('a backfill shows its rate and the time that is left', async ({ api, page, complaints: _ }) => {
  const server = await dashboard(api.admin)
  const expanding = fixture(api, 'expanding', 'fill', NAMESPACE)
  const site = { name: 'erp.example.com', step: 'expand', state: 'Running', total: 100_000 }
  const at = (done: number) => withStatus(expanding, { sites: [{ ...site, done, message: 'b of tabItem' }] })
  api.put(at(10_000))
  await page.goto(server.url)
  await page.getByRole('link', { name: /^fill / }).click()
  const sites = page.getByRole('region', { name: 'Sites' })
  await expect(sites).toContainText('10,000 of 100,000')
  await expect(sites).not.toContainText('a second')
  api.put(at(40_000))
  await expect(sites).toContainText(/40,000 of 100,000 · [\d,.]+ a second, about .+ left/)
  await expect(sites.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '40')
  await server.stop()
})

test('a plan is approved as it was seen, with the rights of the kubeconfig', async ({ api, page, complaints: _ }) => {
  const server = await dashboard(api.admin)
  const asking = fixture(api, 'approval_plan', 'asking', NAMESPACE)
  api.put(asking)
  await page.goto(server.url)
  await page.getByRole('link', { name: /^asking / }).click()
  const approve = page.getByRole('button', { name: 'Approve the plan' })
  await expect(approve).toHaveAttribute('aria-disabled', 'false')
  await expect(page.getByRole('button', { name: 'Resume' })).toHaveAttribute('title', 'Not possible: it is not paused')
  await approve.click()
  await expect(page.getByRole('status')).toContainText("FrappeRelease 'asking' has its plan approved (h1)")
  await expect(approve).toHaveAttribute('title', 'Not possible: it is approved already')
  const annotation = '{.metadata.annotations.crossfade\\.dev/approve-plan}'
  expect(api.kubectl(['-n', NAMESPACE, 'get', 'fr', 'asking', '-o', `jsonpath=${annotation}`])).toBe('h1')
  await server.stop()
})

test('a release is taken back only after a second question', async ({ api, page, complaints: _ }) => {
  const server = await dashboard(api.admin)
  api.put(fixture(api, 'shifting', 'back', NAMESPACE))
  await page.goto(server.url)
  await page.getByRole('link', { name: /^back / }).click()
  await page.getByRole('button', { name: 'Abort' }).click()
  const question = page.getByRole('dialog', { name: 'Abort: back' })
  await expect(question).toContainText('All traffic goes back to blue')
  await question.getByRole('button', { name: 'Leave it' }).click()
  const annotation = '{.metadata.annotations.crossfade\\.dev/abort}'
  const aborted = () => api.kubectl(['-n', NAMESPACE, 'get', 'fr', 'back', '-o', `jsonpath=${annotation}`])
  expect(aborted()).toBe('')
  await page.getByRole('button', { name: 'Abort' }).click()
  await question.getByRole('button', { name: 'Abort' }).click()
  await expect(page.getByRole('status')).toContainText('is taken back: revision 2')
  expect(aborted()).toBe('2')
  await server.stop()
})

test('who may only look is told what the API server refuses, in words', async ({ api, page, complaints: _ }) => {
  const server = await dashboard(api.viewer(NAMESPACE))
  await page.goto(server.url)
  await page.getByRole('link', { name: /^shop / }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'the events cannot be seen' })).toContainText(
    'cannot list resource "events"',
  )
  await page.getByRole('button', { name: "Approve 'sales'" }).click()
  const refusal = page.getByRole('alert').filter({ hasText: 'may not' })
  await expect(refusal).toContainText("your kubeconfig's user may not do that")
  await expect(refusal).toContainText('cannot patch resource "frappereleases"')
  expect(api.kubectl(['-n', NAMESPACE, 'get', 'fr', 'shop', '-o', 'jsonpath={.metadata.annotations}'])).not.toContain(
    'sales',
  )
  await server.stop()
})

test('a wall has no buttons, and its server refuses what they would say', async ({ api, page, complaints: _ }) => {
  const server = await dashboard(api.admin, '--read-only')
  await page.goto(server.url)
  await page.getByRole('link', { name: /^shop / }).click()
  await expect(page.getByRole('region', { name: 'Conditions' })).toBeVisible()
  await expect(page.getByRole('toolbar')).toHaveCount(0)
  const answer = await say(page, 'shop', { command: 'pause', mark: '' })
  expect(answer).toEqual([403, 'this dashboard was started with --read-only: it says nothing to releases'])
  await server.stop()
})

test('what was seen is what is said: a release that changed meanwhile is not approved', async ({
  api,
  page,
  complaints: _,
}) => {
  const server = await dashboard(api.admin)
  api.put(fixture(api, 'approval_plan', 'stale', NAMESPACE))
  await page.goto(server.url)
  await page.getByRole('link', { name: /^stale / }).click()
  await expect(page.getByRole('button', { name: 'Approve the plan' })).toBeVisible()
  const answer = await say(page, 'stale', { command: 'approve plan', mark: '0123456789abcdef' })
  expect(answer).toEqual([409, 'the release changed since the page showed it: look again, then decide'])
  await server.stop()
})

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing, ${theme}, and 900 px are enough`, async ({ api, page, complaints: _ }) => {
    const server = await dashboard(api.admin)
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width: 900, height: 700 })
    await page.goto(server.url)
    await expect(page.getByRole('link', { name: /^lms / })).toBeVisible()
    expect(await faults(page)).toEqual([])
    await page.getByRole('link', { name: /^shop / }).click()
    await expect(page.getByRole('region', { name: 'Traffic' })).toBeVisible()
    expect(await faults(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(900)
    await server.stop()
  })
}
