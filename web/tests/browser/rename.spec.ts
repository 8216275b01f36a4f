import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, fieldsOf, test } from './editor'

test('a rename is a rename: field, patch, its line, and what names the field elsewhere', async ({
  editor,
  page,
  app,
}) => {
  await editor.open('Acme Customer')
  await editor.goTo('email')
  await page.keyboard.press('F2')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('New name').fill('email_id')
  await expect(dialog.getByText('Acme Order.customer_email')).toBeVisible()
  await expect(dialog.getByText('customer.email_id')).toBeVisible()
  await page.keyboard.press('Enter')
  const change = editor.change('field renamed', 'Acme Customer.email_id')
  await expect(change).toBeVisible()
  expect(await editor.sqlOf(change)).toContain('email_id')
  await editor.save()
  expect(fieldsOf(app.read('Acme Customer')).has('email')).toBe(false)
  expect(fieldsOf(app.read('Acme Order')).get('customer_email')).toMatchObject({ fetch_from: 'customer.email_id' })
  const patches = app.changed().filter((path) => path.endsWith('.py') && path.includes('patches/'))
  const text = patches.map((path) => app.text(path)).join('\n')
  expect(text).toMatch(/rename_field\(\s*["']Acme Customer["'],\s*["']email["'],\s*["']email_id["']/)
  expect(app.text('acme/patches.txt')).toMatch(/\[post_model_sync\]\n(.*\n)*acme\.patches\./)
  // After the save the plan is the same: it reads the patch.
  await expect(editor.change('field renamed', 'Acme Customer.email_id')).toBeVisible()
})

test('a rename without its values is a field that goes and one that comes', async ({ editor, page }) => {
  await editor.open('Acme Customer')
  await editor.goTo('notes')
  await page.keyboard.press('F2')
  await page.getByRole('dialog').getByLabel('New name').fill('comments')
  await page.getByRole('dialog').getByText('Leave them').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click()
  await expect(editor.change('field removed', 'Acme Customer.notes')).toBeVisible()
  await expect(editor.change('field added', 'Acme Customer.comments')).toBeVisible()
})

test('a field that went and one that came are declared to be a rename', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.goTo('credit_limit')
  await page.keyboard.press('Delete')
  await page.keyboard.press('a')
  await page.keyboard.type('Credit Limits')
  const question = editor.changes.getByRole('region', { name: 'Question' })
  await question.getByRole('button', { name: 'Yes, it is a rename' }).click()
  await expect(editor.change('field renamed', 'Acme Customer.credit_limits')).toBeVisible()
  await editor.save()
  expect(app.changed().some((path) => path.includes('patches/'))).toBe(true)
})

test('a DocType is renamed, and its links follow', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await page.getByRole('button', { name: 'Rename DocType' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('New name').fill('Acme Client')
  await expect(dialog.getByText('Acme Order.customer', { exact: true })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(editor.change('doctype renamed', 'Acme Client')).toBeVisible()
  await editor.save()
  expect(app.read('Acme Client')).toMatchObject({ name: 'Acme Client' })
  expect(readdirSync(join(app.path, 'acme/acme/doctype'))).not.toContain('acme_customer')
  expect(fieldsOf(app.read('Acme Order')).get('customer')).toMatchObject({ options: 'Acme Client' })
})

test('a name that Frappe refuses cannot be chosen', async ({ editor, page }) => {
  await editor.open('Acme Customer')
  await editor.goTo('email')
  await page.keyboard.press('F2')
  const dialog = page.getByRole('dialog')
  for (const name of ['status', '2nd', 'a b', 'x`']) {
    await dialog.getByLabel('New name').fill(name)
    await expect(dialog.getByRole('button', { name: 'Rename' })).toBeDisabled()
  }
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
})
