import type { Page } from '@playwright/test'
import { expect, fieldsOf, test } from './editor'
import { ByKeys, ByMouse, type Way } from './ways'

const WAYS: readonly [string, (page: Page) => Way][] = [
  ['by mouse', (page) => new ByMouse(page)],
  ['by keys alone', (page) => new ByKeys(page)],
]

for (const [name, of] of WAYS) {
  test(`every kind of edit of a field ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.open('Acme Customer')
    await by.field('credit_limit')
    await by.choose('Type', 'Int')
    await expect(editor.change('column incompatible', 'Acme Customer.credit_limit')).toBeVisible()
    await by.field('status')
    await by.text('Options, one a line', 'Active\nBlocked')
    await by.text('Default', 'Active')
    await by.field('email')
    await by.text('Length', '200')
    await by.tick('Unique')
    await expect(editor.change('unique added', 'Acme Customer.email')).toBeVisible()
    await by.addBelow('email', 'Loyalty Points')
    await by.choose('Type', 'Currency')
    await expect(editor.change('field added', 'Acme Customer.loyalty_points')).toBeVisible()
    await by.duplicate('customer_name')
    await by.remove('column_break_1')
    await by.moveUp('email', 'status')
    await by.renameField('notes')
    await by.text('New name', 'remarks')
    const dialog = page.getByRole('dialog')
    await expect(dialog.getByText('Nothing else names it.')).toBeVisible()
    await page.keyboard.press('Enter')
    const renamed = editor.change('field renamed', 'Acme Customer.remarks')
    await expect(renamed).toBeVisible()
    expect(await editor.sqlOf(renamed)).toContain('remarks')
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
  })

  test(`every kind of edit of a DocType ${name}`, async ({ editor, page, app }) => {
    const by = of(page)
    await by.newDocType()
    await by.text('Name', 'Acme Tax')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { level: 2, name: 'Acme Tax' })).toBeVisible()
    await by.open('Acme Order')
    await by.part('Settings')
    await by.choose('Naming Rule', 'Random')
    await by.text('Title Field', 'remarks')
    await by.tick('Is Submittable')
    await by.part('Fields')
    await by.addBelow('items', 'More Items')
    await by.choose('Type', 'Table')
    await by.text('Child DocType', 'Acme Order Item')
    await page.keyboard.press('Escape')
    await expect(editor.change('child table added', 'Acme Order.more_items')).toBeVisible()
    await by.open('Acme Customer')
    await by.press('Rename DocType')
    await by.text('New name', 'Acme Client')
    await expect(page.getByRole('dialog').getByText('Acme Order.customer', { exact: true })).toBeVisible()
    await page.keyboard.press('Enter')
    await expect(editor.change('doctype renamed', 'Acme Client')).toBeVisible()
    await by.open('Acme Settings')
    await by.press('Delete DocType')
    await by.press('Delete')
    const removed = editor.change('doctype removed', 'Acme Settings')
    await expect(removed).toBeVisible()
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
  })
}
