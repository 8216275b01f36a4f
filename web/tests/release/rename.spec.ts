import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { EditorPage, serve } from '../browser/editor'
import { faults } from '../browser/faults'
import { picture, said } from './said'

test('duplicates are shown, a field is renamed by the mouse, and the release that it needs is downloaded', async ({
  page,
}) => {
  const checkout = said('CROSSFADE_CHECKOUT')
  const database = ['--database', said('CROSSFADE_SITE_DATABASE'), '--credentials', said('CROSSFADE_SITE_CREDENTIALS')]
  const server = await serve([{ path: checkout }], database)
  await page.goto(server.url)
  const editor = new EditorPage(page)
  await page.getByRole('treeitem', { name: 'Sales Order', exact: false }).first().click()
  // Unique is not for this field: the live site says which rows are in the way, and the edit is undone.
  await editor.row('ref_no').click()
  await page.getByRole('checkbox', { name: 'Unique' }).check()
  const unique = editor.change('unique added', 'Sales Order.ref_no')
  await unique.getByRole('button', { name: 'Make the values unique first' }).click()
  const duplicates = page.getByRole('dialog')
  await expect(duplicates.getByText(/ on \d+ rows, of /)).toBeVisible()
  await expect(duplicates.getByRole('row', { name: 'TWIN 2' })).toBeVisible()
  expect(await faults(page)).toEqual([])
  await picture(page, 'editor-duplicates')
  await duplicates.getByRole('button', { name: 'Close', exact: true }).last().click()
  await page.getByRole('button', { name: 'Undo', exact: true }).click()
  await expect(unique).toHaveCount(0)
  await editor.row('customer_note').click()
  await page.getByRole('button', { name: 'Rename', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('New name').fill('order_note')
  await dialog.getByRole('button', { name: 'Rename' }).click()
  await expect(editor.change('field renamed', 'Sales Order.order_note')).toBeVisible()
  await editor.saveButton.click()
  await expect(editor.saveButton).toHaveText('Save')
  expect(readFileSync(join(checkout, 'shop/patches.txt'), 'utf8')).toContain('shop.patches.')
  await page.getByRole('button', { name: 'Output' }).click()
  const output = page.getByRole('dialog', { name: 'Output' })
  await output.getByRole('tab', { name: 'FrappeRelease' }).click()
  const download = page.waitForEvent('download')
  await output.getByRole('button', { name: 'Download frapperelease.yaml' }).click()
  writeFileSync(said('CROSSFADE_RELEASE'), readFileSync(await (await download).path()))
  await server.stop()
})
