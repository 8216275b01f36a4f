import type { Page } from '@playwright/test'
import { type App, exported } from './app'
import { type EditorPage, expect, fieldsOf, test } from './editor'
import { ByKeys, ByMouse, type Way } from './ways'

const WAYS: readonly [string, (page: Page) => Way][] = [
  ['by mouse', (page) => new ByMouse(page)],
  ['by keys alone', (page) => new ByKeys(page)],
]

/** A change stands beside the field with its verdict, and with its statements before green and after blue; null: none. */
async function says(
  editor: EditorPage,
  kind: string,
  place: string,
  verdict: string,
  sql: readonly [RegExp, RegExp | null] | null,
) {
  const change = editor.change(kind, place)
  await expect(change.getByText(verdict, { exact: true })).toBeVisible()
  const button = change.getByRole('button', { name: /^SQL:/ })
  if (sql === null) return expect(button).toHaveCount(0)
  if ((await button.getAttribute('aria-expanded')) !== 'true') await button.click()
  await expect(change.getByRole('region', { name: 'Before green: SQL' })).toContainText(sql[0])
  const after = change.getByRole('region', { name: 'After blue is gone: SQL' })
  if (sql[1] === null) await expect(after).toHaveCount(0)
  else await expect(after).toContainText(sql[1])
}

/** What was written, by all ways that have done it: it must be the same. */
const written = new Map<string, string>()

/** The lines that a save adds and removes, without the time of the save. */
function sameAsBefore(test: string, app: App) {
  app.addAll()
  const lines = app
    .diff()
    .split('\n')
    .filter((line) => !/^index |"(modified|creation)"/.test(line))
  const text = lines.join('\n')
  expect(text).not.toBe('')
  expect(text).toBe(written.get(test) ?? text)
  written.set(test, text)
}

// One after the other in one process, or the second has nothing to be compared with.
test.describe.configure({ mode: 'serial' })

// By keys a control is reached by up to 200 steps: a minute and a half where three suites share two cores.
test.beforeEach(() => test.slow())

for (const [name, of] of WAYS) {
  test(`every kind of edit of a field ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.open('Acme Customer')
    await by.field('credit_limit')
    await by.choose('Type', 'Int')
    await says(editor, 'column incompatible', 'Acme Customer.credit_limit', 'Mapped', [
      /DROP COLUMN `credit_limit`/,
      /DROP COLUMN `credit_limit__blue`/,
    ])
    await by.field('status')
    await by.text('Options, one a line', 'Active\nBlocked')
    await says(editor, 'select options removed', 'Acme Customer.status', 'Neutral', null)
    await by.text('Default', 'Active')
    await says(editor, 'default added', 'Acme Customer.status', 'Neutral', null)
    await by.field('email')
    await by.text('Length', '200')
    await says(editor, 'column widened', 'Acme Customer.email', 'Additive', [
      /MODIFY COLUMN `email` varchar\(200\)/,
      null,
    ])
    await by.tick('Unique')
    await says(editor, 'unique added', 'Acme Customer.email', 'Additive', [/ADD UNIQUE INDEX `email`/, /DROP TRIGGER/])
    await by.addBelow('email', 'Loyalty Points')
    await by.choose('Type', 'Currency')
    await says(editor, 'field added', 'Acme Customer.loyalty_points', 'Additive', [
      /ADD COLUMN `loyalty_points` decimal/,
      null,
    ])
    await by.duplicate('customer_name')
    await by.remove('column_break_1')
    await by.moveUp('email', 'status')
    await by.renameField('notes')
    await by.text('New name', 'remarks')
    const dialog = page.getByRole('dialog')
    await expect(dialog.getByText('Nothing else names it.')).toBeVisible()
    await by.confirm('Rename')
    await says(editor, 'field renamed', 'Acme Customer.remarks', 'Synced', [/ADD COLUMN `remarks`/, /DROP TRIGGER/])
    await by.save()
    await expect(editor.saveButton).toHaveText('Save')
    const saved = app.read('Acme Customer')
    expect(saved['field_order']).toEqual([
      'details_tab',
      'customer_name',
      'customer_name_1',
      'credit_limit',
      'email',
      'status',
      'loyalty_points',
      'notes_tab',
      'remarks',
    ])
    const fields = fieldsOf(saved)
    expect(fields.get('credit_limit')).toMatchObject({ fieldtype: 'Int' })
    expect(fields.get('status')).toMatchObject({ options: 'Active\nBlocked', default: 'Active' })
    expect(fields.get('email')).toMatchObject({ length: 200, unique: 1 })
    expect(fields.get('loyalty_points')).toMatchObject({ fieldtype: 'Currency', label: 'Loyalty Points' })
    expect(app.text('acme/patches.txt')).toContain('acme.patches.')
    sameAsBefore('field', app)
  })

  test(`every kind of edit of a DocType ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.newDocType()
    await by.text('Name', 'Acme Tax')
    await by.confirm('Create')
    await expect(page.getByRole('heading', { level: 2, name: 'Acme Tax' })).toBeVisible()
    await says(editor, 'doctype added', 'Acme Tax', 'Additive', [/CREATE TABLE `tabAcme Tax`/, null])
    await by.open('Acme Order')
    await by.part('Settings')
    await by.choose('Naming Rule', 'Random')
    await by.text('Title Field', 'remarks')
    await by.tick('Is Submittable')
    await by.part('Fields')
    await by.addBelow('items', 'More Items')
    await by.choose('Type', 'Table')
    await by.suggested('Child DocType', 'Acme Order Item')
    await says(editor, 'child table added', 'Acme Order.more_items', 'Additive', null)
    await by.field('customer_email')
    await by.press('Remove')
    await says(editor, 'field removed', 'Acme Order.customer_email', 'ContractOnly', null)
    await by.open('Acme Customer')
    await by.press('Rename DocType')
    await by.text('New name', 'Acme Client')
    await expect(page.getByRole('dialog').getByText('Acme Order.customer', { exact: true })).toBeVisible()
    await by.confirm('Rename')
    await says(editor, 'doctype renamed', 'Acme Client', 'Mapped', [
      /RENAME TABLE `tabAcme Customer` TO `tabAcme Client`/,
      /./,
    ])
    await by.open('Acme Settings')
    await by.press('Delete DocType')
    await by.press('Delete')
    const removed = editor.change('doctype removed', 'Acme Settings')
    await says(editor, 'doctype removed', 'Acme Settings', 'ContractOnly', null)
    await by.undo()
    await expect(removed).toHaveCount(0)
    await by.redo()
    await expect(removed).toBeVisible()
    await by.save()
    await expect(editor.saveButton).toHaveText('Save')
    const order = app.read('Acme Order')
    expect(order).toMatchObject({ naming_rule: 'Random', title_field: 'remarks' })
    expect(order['is_submittable'] ?? 0).toBe(0)
    const fields = fieldsOf(order)
    expect(fields.get('more_items')).toMatchObject({ fieldtype: 'Table', options: 'Acme Order Item' })
    expect(fields.get('customer')).toMatchObject({ options: 'Acme Client' })
    expect(app.read('Acme Client')).toMatchObject({ name: 'Acme Client' })
    expect(app.read('Acme Tax')).toMatchObject({ name: 'Acme Tax', module: 'Acme' })
    expect(app.changed()).toContain('acme/acme/doctype/acme_settings/acme_settings.json')
    sameAsBefore('doctype', app)
  })

  test(`flags, conditions, breaks and several fields at once ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.open('Acme Customer')
    await by.field('email')
    for (const flag of ['Mandatory', 'Index', 'Not Nullable', 'No Copy', 'In List View', 'Read Only', 'Print Hide'])
      await by.tick(flag)
    await by.text('Display Depends On (JS)', 'eval:doc.status')
    await by.text('Mandatory Depends On (JS)', 'eval:doc.customer_name')
    await says(editor, 'reqd added', 'Acme Customer.email', 'Neutral', null)
    await says(editor, 'index added', 'Acme Customer.email', 'Additive', [/ADD INDEX `email_index`/, null])
    await by.addBelow('email', 'More')
    await by.choose('Type', 'Section Break')
    await by.tick('Collapsible')
    await by.addBelow('more', 'Beside')
    await by.choose('Type', 'Column Break')
    await by.addBelow('beside', 'Last')
    await by.choose('Type', 'Tab Break')
    await by.several('notes_tab', 'notes')
    await expect(page.getByText(/, 2 selected$/)).toBeVisible()
    await by.remove('notes')
    await by.undo()
    await by.several('notes_tab', 'notes')
    await by.press('Remove')
    await says(editor, 'field removed', 'Acme Customer.notes', 'ContractOnly', null)
    await by.part('Settings')
    await by.text('Auto Name', 'hash')
    await says(editor, 'autoname changed', 'Acme Customer', 'Neutral', null)
    await by.save()
    await expect(editor.saveButton).toHaveText('Save')
    const saved = app.read('Acme Customer')
    expect(saved['field_order']).toEqual([
      'details_tab',
      'customer_name',
      'credit_limit',
      'column_break_1',
      'status',
      'email',
      'more',
      'beside',
      'last',
    ])
    expect(fieldsOf(saved).get('email')).toEqual({
      depends_on: 'eval:doc.status',
      fieldname: 'email',
      fieldtype: 'Data',
      in_list_view: 1,
      label: 'Email',
      mandatory_depends_on: 'eval:doc.customer_name',
      no_copy: 1,
      not_nullable: 1,
      print_hide: 1,
      read_only: 1,
      reqd: 1,
      search_index: 1,
    })
    expect(fieldsOf(saved).get('more')).toMatchObject({ collapsible: 1, fieldtype: 'Section Break' })
    sameAsBefore('flags', app)
  })

  test(`the form and tabs ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.open('Acme Order')
    await by.open('Acme Settings')
    await by.open('Acme Customer')
    const tabs = page.getByRole('tablist', { name: 'Open DocTypes' })
    await by.closeTab('Acme Settings')
    await expect(tabs.getByRole('tab')).toHaveText(['Acme Order', 'Acme Customer'])
    await by.tab('Acme Order')
    await expect(page.getByRole('heading', { level: 2, name: 'Acme Order' })).toBeVisible()
    await by.part('Form')
    await by.moveInForm('Remarks', 'Total')
    await by.openInForm('Total')
    await by.tick('Bold')
    await page.keyboard.press('Escape')
    await by.inForm('Remarks')
    await page.keyboard.press('Delete')
    await says(editor, 'field removed', 'Acme Order.remarks', 'ContractOnly', null)
    await by.undo()
    await expect(editor.change('field removed', 'Acme Order.remarks')).toHaveCount(0)
    await by.save()
    await expect(editor.saveButton).toHaveText('Save')
    const saved = app.read('Acme Order')
    expect((saved['field_order'] as string[]).slice(3)).toEqual(['items', 'remarks', 'total'])
    expect(fieldsOf(saved).get('total')).toMatchObject({ bold: 1 })
    sameAsBefore('form', app)
  })

  test(`every safer way ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.open('Acme Customer')
    await by.field('credit_limit')
    await by.choose('Type', 'Int')
    await expect(editor.change('column incompatible', 'Acme Customer.credit_limit')).toBeVisible()
    await by.press('Split over two releases')
    await expect(editor.change('field added', 'Acme Customer.credit_limit_2')).toBeVisible()
    // What was long becomes short: the same, by its length.
    await by.field('notes')
    await by.choose('Type', 'Data')
    await expect(editor.change('column narrowed', 'Acme Customer.notes')).toBeVisible()
    await by.press('Split over two releases')
    await expect(editor.change('field added', 'Acme Customer.notes_2')).toBeVisible()
    await by.field('status')
    await by.tick('Mandatory')
    await expect(editor.change('reqd added', 'Acme Customer.status')).toBeVisible()
    await by.press('Not mandatory in this release')
    await expect(editor.change('reqd added', 'Acme Customer.status')).toHaveCount(0)
    await by.field('email')
    await by.tick('Unique')
    await expect(editor.change('unique added', 'Acme Customer.email')).toBeVisible()
    await by.press('Make the values unique first')
    await says(editor, 'index added', 'Acme Customer.email', 'Additive', [/ADD INDEX `email_index`/, null])
    await expect(editor.change('unique added', 'Acme Customer.email')).toHaveCount(0)
    await by.remove('customer_name')
    await by.addBelow('details_tab', 'Customer Names')
    await by.press('Yes, it is a rename')
    await says(editor, 'field renamed', 'Acme Customer.customer_names', 'Synced', [/customer_names/, /DROP TRIGGER/])
    await by.save()
    await expect(editor.saveButton).toHaveText('Save')
    const fields = fieldsOf(app.read('Acme Customer'))
    expect(fields.get('credit_limit')).toMatchObject({ fieldtype: 'Data' })
    expect(fields.get('credit_limit_2')).toMatchObject({ fieldtype: 'Int' })
    expect(fields.get('notes')).toMatchObject({ fieldtype: 'Small Text' })
    expect(fields.get('notes_2')).toMatchObject({ fieldtype: 'Data' })
    expect(fields.get('status')).toMatchObject({ default: 'Active' })
    expect(fields.get('status')).not.toHaveProperty('reqd')
    expect(fields.get('email')).toMatchObject({ search_index: 1 })
    expect(fields.get('email')).not.toHaveProperty('unique')
    sameAsBefore('safer', app)
  })

  test(`a reference is left out, and a conflict is decided, ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.open('Acme Customer')
    await by.renameField('email')
    await by.text('New name', 'email_id')
    await by.tick(/^Acme Order.customer_email/)
    await by.press('Rename')
    await expect(editor.change('field renamed', 'Acme Customer.email_id')).toBeVisible()
    await by.field('credit_limit')
    await by.tick('Bold')
    const other = app.read('Acme Customer')
    fieldsOf(other).get('credit_limit')!['bold'] = 1
    fieldsOf(other).get('status')!['bold'] = 1
    app.write(app.file('Acme Customer'), exported(other))
    await by.save()
    await expect(page.getByRole('dialog', { name: 'Changed on disk meanwhile' })).toBeVisible()
    await by.pick('Keep yours: the file is overwritten')
    await by.press('Take over')
    await by.save()
    await expect(editor.saveButton).toHaveText('Save')
    expect(fieldsOf(app.read('Acme Order')).get('customer_email')).toMatchObject({ fetch_from: 'customer.email' })
    const fields = fieldsOf(app.read('Acme Customer'))
    expect(fields.get('status')).not.toHaveProperty('bold')
    expect(fields.get('credit_limit')).toMatchObject({ bold: 1 })
    sameAsBefore('conflict', app)
  })
}
