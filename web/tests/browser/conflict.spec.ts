import { exported } from './app'
import { EditorPage, expect, fieldsOf, test } from './editor'

test('a file that changed on disk is not overwritten: both are shown, and both are kept', async ({
  editor,
  page,
  app,
}) => {
  await editor.open('Acme Customer')
  await editor.goTo('email')
  await page.keyboard.press('Enter')
  await page.getByLabel('Label', { exact: true }).fill('E-mail')
  const other = app.read('Acme Customer')
  fieldsOf(other).get('status')!['reqd'] = 1
  app.write(app.file('Acme Customer'), exported(other))
  await expect(page.getByText('The file changed on disk')).toBeVisible()
  await page.keyboard.press('Control+s')
  const dialog = page.getByRole('dialog', { name: 'Changed on disk meanwhile' })
  await expect(dialog.getByRole('row', { name: /status: reqd/ })).toContainText('on disk')
  await expect(dialog.getByRole('row', { name: /email: label/ })).toContainText('you')
  expect(app.read('Acme Customer')).toEqual(other)
  await dialog.getByRole('button', { name: 'Take over' }).click()
  await editor.save()
  const fields = fieldsOf(app.read('Acme Customer'))
  expect(fields.get('status')).toMatchObject({ reqd: 1 })
  expect(fields.get('email')).toMatchObject({ label: 'E-mail' })
})

test('when both changed the same, somebody chooses', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.row('email').click()
  await page.getByLabel('Label', { exact: true }).fill('Mine')
  const other = app.read('Acme Customer')
  fieldsOf(other).get('email')!['label'] = 'Theirs'
  app.write(app.file('Acme Customer'), exported(other))
  await page.keyboard.press('Control+s')
  const dialog = page.getByRole('dialog', { name: 'Changed on disk meanwhile' })
  await expect(dialog.getByRole('button', { name: 'Take over' })).toBeDisabled()
  await expect(dialog.getByRole('row', { name: /email: label/ })).toContainText('both')
  await dialog.getByLabel('Keep the file').check()
  await dialog.getByRole('button', { name: 'Take over' }).click()
  await expect(editor.row('email')).toContainText('Theirs')
  await expect(editor.saveButton).toBeDisabled()
})

test('a file that nobody edits here is shown as it is on disk', async ({ editor, app }) => {
  await editor.open('Acme Customer')
  const other = app.read('Acme Customer')
  fieldsOf(other).get('email')!['label'] = 'From elsewhere'
  app.write(app.file('Acme Customer'), exported(other))
  await expect(editor.row('email')).toContainText('From elsewhere')
})

test('what was done can be undone and done again after another file changed on disk', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.open('Acme Order')
  await editor.goTo('remarks')
  await page.keyboard.press('Alt+ArrowUp')
  await page.keyboard.press('Alt+ArrowUp')
  await page.keyboard.press('Control+z')
  const other = app.read('Acme Customer')
  fieldsOf(other).get('email')!['label'] = 'From elsewhere'
  app.write(app.file('Acme Customer'), exported(other))
  await page.keyboard.press('Alt+PageUp')
  await expect(editor.row('email')).toContainText('From elsewhere')
  await page.keyboard.press('Alt+PageDown')
  const order = () => editor.fieldnames()
  expect((await order()).slice(3)).toEqual(['items', 'remarks', 'total'])
  await page.keyboard.press('Control+Shift+z')
  await expect.poll(order).toEqual(['customer', 'customer_email', 'items_section', 'remarks', 'items', 'total'])
  await page.keyboard.press('Control+z')
  await page.keyboard.press('Control+z')
  await expect(editor.saveButton).toBeDisabled()
})

test('two browsers edit at once: the second is asked', async ({ editor, page, app, server, browser }) => {
  const second = await browser.newPage()
  await second.goto(server.url)
  const other = new EditorPage(second)
  await editor.open('Acme Order')
  await other.open('Acme Order')
  await other.row('remarks').click()
  await second.getByLabel('Label', { exact: true }).fill('Second')
  await editor.row('total').click()
  await page.getByLabel('Label', { exact: true }).fill('First')
  await editor.save()
  await second.keyboard.press('Control+s')
  await second.getByRole('dialog').getByRole('button', { name: 'Take over' }).click()
  await other.save()
  const fields = fieldsOf(app.read('Acme Order'))
  expect(fields.get('total')).toMatchObject({ label: 'First' })
  expect(fields.get('remarks')).toMatchObject({ label: 'Second' })
  await expect(editor.row('remarks')).toContainText('Second')
  await second.close()
})
