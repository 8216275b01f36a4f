import { type Page } from '@playwright/test'
import { doctype, field, makeApp } from './app'
import { expect, test as base } from './editor'

const IMG = '<img src=x onerror="window.hit=1">'
const SCRIPT = '</script><script>window.hit=1</script>'
const BIDI = '\u202Egnp.exe'
const HOSTILE = [
  doctype('Hostile', [
    field('plain', 'Data', IMG, { options: SCRIPT, description: IMG, default: 'javascript:window.hit=1' }),
    field('bidi', 'Data', BIDI),
    field(`a\`b'"${IMG}`, 'Data', 'Bad name'),
    field('strange', `Data${IMG}`, 'Bad type'),
    field('__proto__', 'Data', 'Prototype'),
    field('constructor', 'Link', 'Constructor', { options: IMG }),
    field('long', 'Data', 'x'.repeat(5000)),
  ]),
]

const test = base.extend({
  app: async ({}, use) => {
    const app = makeApp(HOSTILE)
    // A name that no folder can have: the file lies in a folder of another name.
    app.write(
      'acme/acme/doctype/evil/evil.json',
      JSON.stringify(doctype(`${IMG}/../../x`, [field('a', 'Data', SCRIPT)])),
    )
    app.write('acme/acme/doctype/broken/broken.json', '{"doctype": "DocType", "name":')
    app.write(
      'acme/acme/doctype/odd/odd.json',
      '{"doctype": "DocType", "name": "Odd", "module": "Acme", "fields": {"a": 1}, "field_order": 7}',
    )
    await use(app)
    app.remove()
  },
})

const isHit = (page: Page) => page.evaluate(() => 'hit' in window)

test('hostile names are text wherever they are shown', async ({ editor, page }) => {
  await editor.open('Hostile')
  await expect(editor.fields.getByText(IMG).first()).toBeVisible()
  await expect(editor.fields.getByText('\\u{202e}gnp.exe')).toBeVisible()
  for (let row = 0; row < 7; row += 1) {
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    await page.keyboard.press('ArrowDown')
  }
  await page.keyboard.press('Home')
  await page.keyboard.press('Delete')
  await expect(editor.change('field removed', 'Hostile.plain')).toBeVisible()
  await page.getByRole('tab', { name: 'Form' }).click()
  await expect(page.getByRole('option').first()).toBeVisible()
  await page.getByRole('tab', { name: 'Settings' }).click()
  await page.keyboard.press('Alt+o')
  await expect(page.getByRole('dialog', { name: 'Output' })).toBeVisible()
  await page.keyboard.press('Escape')
  expect(await isHit(page)).toBe(false)
})

test('a DocType with a path for a name, a broken and an odd file do no harm', async ({ editor, page }) => {
  await page.getByLabel('Search DocTypes').fill('onerror')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('tab', { name: IMG })).toBeVisible()
  await editor.open('Odd')
  await expect(page.getByText('No fields yet')).toBeVisible()
  expect(await isHit(page)).toBe(false)
})

test('the page has a policy that stops what is not its own', async ({ editor: _, page, server, complaints }) => {
  const policy = (await page.request.get(`${server.origin}/`)).headers()['content-security-policy'] ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("script-src 'self'")
  expect(policy).not.toMatch(/unsafe-(inline|eval)/)
  const stopped = page.evaluate(
    () =>
      new Promise<string>((resolve) =>
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), {
          once: true,
        }),
      ),
  )
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'window.hit = 1'
    document.body.append(script)
  })
  expect(await stopped).toBe('script-src-elem')
  expect(await isHit(page)).toBe(false)
  // The one that was meant to be stopped.
  expect(complaints.splice(0)).toHaveLength(1)
})

base('another site cannot reach the editor', async ({ editor: _, server, context, app }) => {
  const { origin } = server
  // The same server under another name, as a rebound DNS name would give it, though with the cookie.
  const cookies = await context.cookies(origin)
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const rebound = await context.request.get(`${origin}/api/workspace`, { headers: { host: 'evil.example', cookie } })
  expect(rebound.status()).toBe(421)
  const page = await context.newPage()
  await page.goto('data:text/html,<title>evil</title>')
  const asked = await page.evaluate(async (to) => {
    const save = { method: 'POST', body: '{"drafts":[]}' }
    const answers = await Promise.allSettled([
      fetch(`${to}/api/workspace`, { credentials: 'include' }),
      fetch(`${to}/api/save`, { ...save, headers: { 'content-type': 'application/json' }, credentials: 'include' }),
      fetch(`${to}/api/save`, { ...save, headers: { 'content-type': 'text/plain' }, credentials: 'include' }),
    ])
    return answers.map(({ status }) => status)
  }, origin)
  expect(asked).toEqual(['rejected', 'rejected', 'rejected'])
  expect(app.changed()).toEqual([])
  await page.close()
})

base(
  'a request needs the key of the address and the token of the page',
  async ({ editor: _, page, server, playwright, app }) => {
    const body = { data: { drafts: [], renames: [] } }
    const withCookie = await page.request.post(`${server.origin}/api/save`, body)
    expect(withCookie.status()).toBe(403)
    const stranger = await playwright.request.newContext()
    expect((await stranger.get(`${server.origin}/api/workspace`)).status()).toBe(401)
    expect((await stranger.get(`${server.origin}/`)).status()).toBe(401)
    await stranger.dispose()
    expect(app.changed()).toEqual([])
  },
)
