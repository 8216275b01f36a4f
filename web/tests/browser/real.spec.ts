import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EditorPage, expect, start, test } from './editor'

/** Real apps, which are no part of this repository. */
const FIXTURES = join(process.env.CROSSFADE_SHARED ?? '../../shared', 'releases/fixtures')
const APPS = [
  ['frappe', 'v15.41.0'],
  ['erpnext', 'v15.62.0'],
] as const

/** Milliseconds from each key to its picture; when the last key and its verdict came, by the page's clock. */
interface Seen {
  keys: number[]
  key: number
  verdict: number
}

/** Some ten times what a small machine takes with a debug build: what fails here, everybody would feel. */
const BOUNDS = { paint: 30_000, verdict: 20_000, key: 1_000 }

test('ERPNext and Frappe: first paint, keys and verdicts are quick', async ({ page, complaints: _ }) => {
  const archives = APPS.map(([app, version]) => join(FIXTURES, app, `${version}.tar.gz`))
  test.skip(!archives.every(existsSync), `CROSSFADE_SHARED does not name a directory with ${archives.join(', ')}`)
  test.slow()
  const folder = mkdtempSync(join(tmpdir(), 'real-'))
  const places = APPS.map(([app], at) => {
    mkdirSync(join(folder, app))
    execFileSync('tar', ['xzf', archives[at] ?? '', '-C', join(folder, app)])
    return ['--app', `${app}=${join(folder, app)}`]
  })
  const server = await start(['editor', ...places.flat(), '--port', '0'])
  const begun = Date.now()
  await page.goto(server.url)
  await expect(page.getByRole('treeitem').filter({ hasText: 'Account' }).first()).toBeVisible()
  const paint = Date.now() - begun
  const editor = new EditorPage(page)
  await editor.open('Sales Invoice')
  await editor.goTo('title')
  await page.keyboard.press('a')
  await expect(page.getByLabel('Label', { exact: true })).toBeFocused()
  const place = 'Sales Invoice.crossfade_note'
  // From each key of the real keyboard to the next picture that shows it, and from the last one to the verdict.
  await page.evaluate((place) => {
    const seen: Seen = { keys: [], key: 0, verdict: 0 }
    Object.assign(window, { seen })
    document.addEventListener('keydown', () => {
      const before = performance.now()
      seen.key = before
      requestAnimationFrame(() => setTimeout(() => seen.keys.push(performance.now() - before)))
    })
    new MutationObserver(() => {
      const isThere = document.querySelector(`article[aria-label$="${place}"]`) !== null
      if (isThere && seen.verdict === 0) seen.verdict = performance.now()
    }).observe(document.body, { childList: true, subtree: true, attributeFilter: ['aria-label'] })
  }, place)
  const words = 'Crossfade Note'
  for (const key of words) await page.keyboard.press(key === ' ' ? 'Space' : key)
  await expect(editor.change('field added', place)).toBeVisible()
  const { keys, ...at } = await page.evaluate(() => (window as unknown as { seen: Seen }).seen)
  const verdict = at.verdict - at.key
  expect(verdict).toBeGreaterThan(0)
  expect(keys.length).toBeGreaterThanOrEqual(words.length)
  const slowest = Math.max(...keys)
  console.log(
    `ERPNext and Frappe: first paint with data ${paint} ms, slowest key ${slowest.toFixed(0)} ms, verdict ${verdict.toFixed(0)} ms after the last key`,
  )
  expect(paint).toBeLessThan(BOUNDS.paint)
  expect(verdict).toBeLessThan(BOUNDS.verdict)
  expect(slowest).toBeLessThan(BOUNDS.key)
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})
