import { fixture } from './apiserver'
import { dashboard, expect, NAMESPACE, plan, storedPlan, test, withStatus } from './dashboard'
import { faults } from './faults'

const annotation = (name: string) => `{.metadata.annotations.crossfade\\.dev/${name}}`

for (const [button, state, asks, words, path, said] of [
  ['Pause', 'shifting', false, 'is paused', '{.spec.paused}', /^true$/],
  ['Resume', 'paused', false, 'goes on', '{.spec.paused}', /^(false)?$/],
  ['Retry', 'job_failed', false, 'tries again', annotation('retry'), /^20\d\d-/],
  ['Promote', 'promotion', false, 'goes on: crm, *', '{.metadata.annotations}', /promote\.crossfade\.dev.*"2\//],
  ['Promote to 100 %', 'shifting', true, 'goes on: *', '{.metadata.annotations}', /promote\.crossfade\.dev.*"2\//],
  ['Undo', 'shifting', true, 'back', annotation('abort'), /^2$/],
] as const) {
  test(`the button ${button} says it to the release`, async ({ api, page, complaints: _ }) => {
    const name = `say-${button.toLowerCase().replaceAll(/[^a-z]+/g, '')}-${state.replaceAll('_', '')}`
    api.put(fixture(api, state, name, NAMESPACE))
    const server = await dashboard(api.admin)
    await page.goto(`${server.url}`)
    await page.getByRole('link', { name: new RegExp(`^${name} `) }).click()
    await page.getByRole('toolbar').getByRole('button', { name: button, exact: true }).click()
    if (asks) {
      const question = page.getByRole('dialog', { name: `${button}: ${name}` })
      await expect(question.getByRole('button', { name: 'Leave it' })).toBeVisible()
      expect(await faults(page), 'the question').toEqual([])
      await question.getByRole('button', { name: button, exact: true }).click()
    }
    await expect(page.getByRole('status')).toContainText(words)
    expect(api.kubectl(['-n', NAMESPACE, 'get', 'fr', name, '-o', `jsonpath=${path}`])).toMatch(said)
    await server.stop()
  })
}

test('the plan is there with each change and its statements, and gates with their values', async ({
  api,
  page,
  complaints: _,
}) => {
  const stored = plan('erp.example.com') as { hash: string; verdict: string; summary: string }
  const of = 'planned'
  api.put(storedPlan(stored, of, NAMESPACE, 2))
  const values = [0.2, 0.9, 0.3].map((value, index) => ({
    number: index + 1,
    at: `2026-01-05T10:00:0${index}Z`,
    outcome: value > 0.8 ? 'Failed' : 'Passed',
    value: String(value),
  }))
  const run = { place: "step 2 of '*'", result: 'Running', since: '2026-01-05T10:00:00Z', dryRun: false }
  const analysis = { ...run, name: 'errors', measured: 3, count: 10, failed: 1, measurements: values }
  const release = withStatus(fixture(api, 'shifting', of, NAMESPACE), {
    plan: { hash: stored.hash, verdict: stored.verdict, summary: stored.summary, approved: true },
    analyses: [analysis],
  })
  api.put(release)
  const server = await dashboard(api.admin)
  await page.goto(server.url)
  await page.getByRole('link', { name: /^planned / }).click()
  const card = page.getByRole('region', { name: 'Plan' })
  await expect(card).toContainText(stored.hash)
  await card.getByRole('button', { name: /^1 change on 1 site/ }).click()
  const change = card.getByRole('article', { name: 'column incompatible: Acme Customer.credit_limit' })
  await change.getByRole('button', { name: /^SQL:/ }).click()
  await expect(change.getByRole('region', { name: 'Before green: SQL' })).toContainText('DROP COLUMN `credit_limit`')
  const gate = page.getByRole('article', { name: "Analysis errors at step 2 of '*'" })
  const drawn = (count: number, last: string) =>
    gate.getByRole('img', { name: `${count} values, the last ${last}, the greatest 0.9` })
  await expect(drawn(3, '0.3')).toBeVisible()
  const next = { number: 4, at: '2026-01-05T10:00:04Z', outcome: 'Passed', value: '0.4' }
  api.put(withStatus(release, { analyses: [{ ...analysis, measured: 4, measurements: [...values, next] }] }))
  await expect(drawn(4, '0.4')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Phases' })).toBeVisible()
  expect(await faults(page), 'an open plan and gates').toEqual([])
  await server.stop()
})

test('what moves comes by the stream: the page asks for nothing again', async ({ api, page, complaints: _ }) => {
  const shifting = fixture(api, 'shifting', 'quiet', NAMESPACE)
  api.put(shifting)
  const server = await dashboard(api.admin)
  await page.goto(server.url)
  await page.getByRole('link', { name: /^quiet / }).click()
  await expect(page.getByText('10 % on green', { exact: false }).first()).toBeVisible()
  await page.waitForLoadState('load')
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  for (const weight of [20, 50, 90]) {
    const app = { name: '*', step: 2, steps: 3, weight }
    api.put(withStatus(shifting, { apps: [app], weight, message: `now ${weight} % on green` }))
    await expect(page.getByText(`now ${weight} % on green`, { exact: true })).toBeVisible()
  }
  expect(asked).toEqual([])
  await server.stop()
})
