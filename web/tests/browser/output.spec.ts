import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { BINARY, expect, test } from './editor'

test('the texts are those of crossfade plan, to copy and to download', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.goTo('credit_limit')
  await page.keyboard.press('t')
  await page.getByLabel('Type', { exact: true }).selectOption('Int')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Alt+o')
  const dialog = page.getByRole('dialog', { name: 'Output' })
  await expect(dialog.getByRole('region', { name: 'Expand SQL' })).toContainText('credit_limit')
  await dialog.getByRole('tab', { name: 'FrappeRelease' }).click()
  await expect(dialog.getByRole('region', { name: 'FrappeRelease' })).toContainText('FrappeRelease')
  await dialog.getByRole('tab', { name: 'Markdown' }).click()
  await expect(dialog.getByRole('region', { name: 'Markdown' })).toContainText('### Plan')
  const download = page.waitForEvent('download')
  await dialog.getByRole('button', { name: 'Download plan.md' }).click()
  const markdown = readFileSync(await (await download).path(), 'utf8')
  await dialog.getByRole('button', { name: 'Copy', exact: true }).click()
  await expect(page.getByText('Markdown copied.')).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(markdown)
  await page.keyboard.press('Escape')
  await editor.save()
  // The saved file holds what the draft held, to the hash.
  const blue = app.checkout('main')
  const plan = spawnSync(BINARY, ['plan', '--blue', blue, '--green', app.path, '--output', 'markdown'], {
    encoding: 'utf8',
  })
  expect(plan.stderr).toBe('')
  expect(markdown).toBe(plan.stdout)
})
