import { expect, fieldsOf, test } from './editor'

test('a field is added by keyboard: verdict and SQL while typing, one line in the diff of each place', async ({
  editor,
  page,
  app,
}) => {
  await editor.open('Acme Customer')
  await editor.goTo('customer_name')
  await page.keyboard.press('a')
  await page.keyboard.type('Loyalty Points')
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('loyalty_points')
  await page.getByLabel('Type', { exact: true }).selectOption('Int')
  const change = editor.change('field added', 'Acme Customer.loyalty_points')
  await expect(change.getByText('Additive')).toBeVisible()
  expect(await editor.sqlOf(change)).toMatch(/ADD COLUMN `loyalty_points` int/i)
  await editor.save()
  const saved = app.read('Acme Customer')
  expect(fieldsOf(saved).get('loyalty_points')).toEqual({
    fieldname: 'loyalty_points',
    fieldtype: 'Int',
    label: 'Loyalty Points',
  })
  expect((saved['field_order'] as string[]).slice(1, 3)).toEqual(['customer_name', 'loyalty_points'])
  const lines = app
    .diff()
    .split('\n')
    .filter((line) => /^[+-](?![+-])/.test(line))
  expect(lines.filter((line) => line.startsWith('-') && !line.includes('"modified"'))).toEqual([])
  expect(lines.filter((line) => line.startsWith('+')).length).toBeLessThan(9)
})

test('a field is added and removed by mouse', async ({ editor, page, app }) => {
  await editor.open('Acme Order')
  await editor.row('total').click()
  await page.getByRole('button', { name: 'Add field' }).click()
  await page.getByLabel('Label', { exact: true }).fill('Due Date')
  await page.getByLabel('Type', { exact: true }).selectOption('Date')
  await page.getByLabel('Mandatory', { exact: true }).check()
  await expect(editor.change('field added', 'Acme Order.due_date')).toBeVisible()
  await editor.row('customer_email').click()
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await expect(editor.change('field removed', 'Acme Order.customer_email').getByText('ContractOnly')).toBeVisible()
  await editor.saveButton.click()
  await expect(editor.saveButton).toHaveText('Save')
  const fields = fieldsOf(app.read('Acme Order'))
  expect(fields.has('customer_email')).toBe(false)
  expect(fields.get('due_date')).toMatchObject({ fieldtype: 'Date', reqd: 1 })
})

test('fields are moved by keyboard and by dragging', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.goTo('credit_limit')
  await page.keyboard.press('Alt+ArrowUp')
  await expect
    .poll(() => editor.fieldnames().then((names) => names.slice(1, 3)))
    .toEqual(['credit_limit', 'customer_name'])
  await editor
    .row('email')
    .locator('.drag-handle')
    .dragTo(editor.row('details_tab'), { targetPosition: { x: 100, y: 30 } })
  await expect
    .poll(() => editor.fieldnames().then((names) => names.slice(0, 3)))
    .toEqual(['details_tab', 'email', 'credit_limit'])
  await editor.save()
  expect((app.read('Acme Customer')['field_order'] as string[]).slice(0, 4)).toEqual([
    'details_tab',
    'email',
    'credit_limit',
    'customer_name',
  ])
})

test('a field is dragged to another column of the form', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await page.getByRole('tab', { name: 'Form' }).click()
  await page
    .locator('#field-list')
    .getByRole('option', { name: /Credit Limit/ })
    .dragTo(page.getByRole('option', { name: /Email/ }), { targetPosition: { x: 40, y: 25 } })
  await editor.save()
  expect((app.read('Acme Customer')['field_order'] as string[]).slice(1, 6)).toEqual([
    'customer_name',
    'column_break_1',
    'status',
    'email',
    'credit_limit',
  ])
})

test('a type change says what happens to writes, and how both versions live with it', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.goTo('credit_limit')
  await page.keyboard.press('t')
  await page.getByLabel('Type', { exact: true }).selectOption('Int')
  const change = editor.change('column incompatible', 'Acme Customer.credit_limit')
  await expect(change.getByText('bench migrate')).toBeVisible()
  await expect(change.getByText('Mapped').or(change.getByText('Synced'))).toBeVisible()
  expect(await editor.sqlOf(change)).toContain('credit_limit')
  await editor.save()
  expect(fieldsOf(app.read('Acme Customer')).get('credit_limit')).toMatchObject({ fieldtype: 'Int' })
})

test('options, default, length and flags are written, and leave the file when they are emptied', async ({
  editor,
  page,
  app,
}) => {
  await editor.open('Acme Customer')
  await editor.row('status').click()
  await page.getByLabel('Options, one a line').fill('Active\nLeft\nBlocked')
  await page.getByLabel('Default', { exact: true }).fill('Active')
  await page.keyboard.press('Escape')
  await editor.row('email').click()
  await page.getByLabel('Length').fill('200')
  await page.getByLabel('Unique').check()
  await page.getByLabel('Index', { exact: true }).check()
  await page.getByLabel('Index', { exact: true }).uncheck()
  await expect(editor.change('unique added', 'Acme Customer.email')).toBeVisible()
  await editor.save()
  const fields = fieldsOf(app.read('Acme Customer'))
  expect(fields.get('status')).toMatchObject({ options: 'Active\nLeft\nBlocked', default: 'Active' })
  expect(fields.get('email')).toEqual({ fieldname: 'email', fieldtype: 'Data', label: 'Email', length: 200, unique: 1 })
})

test('undo and redo go over everything, and an undone change is none', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.goTo('email')
  await page.keyboard.press('Enter')
  await page.keyboard.press('End')
  await page.keyboard.type(' Address')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Delete')
  await expect(editor.change('field removed', 'Acme Customer.email')).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect(editor.row('email')).toContainText('Email Address')
  await page.keyboard.press('Control+z')
  await expect(editor.row('email')).not.toContainText('Address')
  await expect(editor.saveButton).toBeDisabled()
  await page.keyboard.press('Control+Shift+z')
  await expect(editor.row('email')).toContainText('Email Address')
  await page.keyboard.press('Control+z')
  expect(app.changed()).toEqual([])
})

test('settings of the DocType are edited', async ({ editor, page, app }) => {
  await editor.open('Acme Order')
  await page.getByRole('tab', { name: 'Settings' }).click()
  await page.getByLabel('Naming Rule').selectOption('Random')
  await page.getByLabel('Auto Name').fill('hash')
  await page.getByLabel('Is Submittable').uncheck()
  await page.getByLabel('Title Field').fill('remarks')
  await editor.save()
  const saved = app.read('Acme Order')
  expect(saved).toMatchObject({ naming_rule: 'Random', autoname: 'hash', title_field: 'remarks' })
  expect(saved['is_submittable'] ?? 0).toBe(0)
})

test('a DocType is made, with a child table, by keyboard', async ({ editor, page, app }) => {
  await page.keyboard.press('Alt+n')
  await page.keyboard.type('Acme Tax')
  await page.getByLabel('Child Table', { exact: false }).check()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 2, name: 'Acme Tax' })).toBeVisible()
  await page.keyboard.press('Alt+f')
  await page.keyboard.press('a')
  await page.keyboard.type('Rate')
  await page.getByLabel('Type', { exact: true }).selectOption('Percent')
  await editor.open('Acme Order')
  await editor.goTo('items')
  await page.keyboard.press('a')
  await page.keyboard.type('Taxes')
  await page.getByLabel('Type', { exact: true }).selectOption('Table')
  await page.getByLabel('Child DocType').fill('Acme T')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(editor.change('child table added', 'Acme Order.taxes')).toBeVisible()
  await editor.save()
  expect(app.read('Acme Tax')).toMatchObject({ istable: 1, module: 'Acme', name: 'Acme Tax' })
  expect(app.changed()).toContain('acme/acme/doctype/acme_tax/acme_tax.json')
  expect(fieldsOf(app.read('Acme Order')).get('taxes')).toMatchObject({ fieldtype: 'Table', options: 'Acme Tax' })
})

test('a DocType is deleted, and undo keeps it', async ({ editor, page, app }) => {
  await editor.open('Acme Settings')
  await page.getByRole('button', { name: 'Delete DocType' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(editor.change('doctype removed', 'Acme Settings')).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect(editor.saveButton).toBeDisabled()
  await page.keyboard.press('Control+Shift+z')
  await editor.save()
  expect(app.changed()).toContain('acme/acme/doctype/acme_settings/acme_settings.json')
  await expect(page.getByRole('heading', { level: 2, name: 'Acme Settings' })).toHaveCount(0)
})

test('several DocTypes are open in tabs, and what is not saved is marked', async ({ editor, page }) => {
  await editor.open('Acme Customer')
  await editor.open('Acme Order')
  await editor.open('Acme Settings')
  const tabs = page.getByRole('tablist', { name: 'Open DocTypes' })
  await expect(tabs.getByRole('tab')).toHaveText(['Acme Customer', 'Acme Order', 'Acme Settings'])
  await page.keyboard.press('Alt+PageUp')
  await expect(tabs.getByRole('tab', { name: 'Acme Order' })).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Alt+f')
  await page.keyboard.press('End')
  await page.keyboard.press('Delete')
  await expect(tabs.getByRole('tab', { name: /^Acme Order.*not saved$/ })).toBeVisible()
  await page.keyboard.press('Alt+w')
  await expect(tabs.getByRole('tab')).toHaveCount(2)
  await editor.open('Acme Order')
  await expect(editor.row('remarks')).toHaveCount(0)
})

test('a risky edit is made safe by a button, as one step', async ({ editor, page, app }) => {
  await editor.open('Acme Customer')
  await editor.goTo('credit_limit')
  await page.keyboard.press('t')
  await page.getByLabel('Type', { exact: true }).selectOption('Int')
  const risky = editor.change('column incompatible', 'Acme Customer.credit_limit')
  await risky.getByRole('button', { name: 'Split over two releases' }).click()
  await expect(risky).toHaveCount(0)
  await expect(editor.changes.getByRole('article').getByText('Additive').first()).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect(risky).toBeVisible()
  await page.keyboard.press('Control+Shift+z')
  await editor.save()
  const fields = [...fieldsOf(app.read('Acme Customer')).values()]
  expect(
    fields.filter((field) => String(field['fieldname']).startsWith('credit_limit')).map((field) => field['fieldtype']),
  ).toEqual(['Data', 'Int'])
})

test('what Frappe would refuse is said, leads to its place, and is not saved', async ({ editor, page, app }) => {
  await editor.open('Acme Order')
  await editor.goTo('remarks')
  await page.keyboard.press('Delete')
  const problems = editor.changes.getByRole('region', { name: 'Problems' })
  await expect(problems).toContainText('"remarks" is no field with a value')
  await page.keyboard.press('Control+s')
  await expect(page.getByRole('alert')).toContainText('"remarks" is no field with a value')
  expect(app.changed()).toEqual([])
  await page.getByRole('button', { name: 'Close the notice' }).click()
  await editor.goTo('total')
  await page.keyboard.press('a')
  await page.getByLabel('Name', { exact: true }).fill('total')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Home')
  await problems
    .getByRole('button', { name: /Acme Order\.total/ })
    .first()
    .click()
  await expect(editor.row('total')).toHaveAttribute('aria-selected', 'true')
})
