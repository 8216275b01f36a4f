import { expect, test } from './editor'
import { doctype, exported, field, makeApp } from './app'
import { faults } from './faults'

/** What a save may change of it is known to the byte. */
const ORDER = doctype('Acme Order', [field('customer', 'Data', 'Customer')], {
  links: [{ custom: 1, link_doctype: 'Acme Note', link_fieldname: 'order' }],
  permissions: [
    // As exports of long ago have it, with a key that Frappe no longer knows.
    { match: 'owner', print: 0, read: 1, role: 'Guest' },
    { create: 1, read: 1, role: 'Acme Clerk', write: 1 },
  ],
})
const NOTE = doctype('Acme Note', [field('order', 'Data', 'Order')], {
  permissions: [{ read: 1, role: 'Acme Auditor' }],
})
const PATH = 'acme/acme/doctype/acme_order/acme_order.json'
const NEW = { create: 1, delete: 1, email: 1, export: 1, print: 1, read: 1, report: 1, share: 1, write: 1 }

/** The file but for the time of its save. */
const settled = (text: string) => text.replace(/"modified": "[^"]*"/, '"modified": ""')
const expected = (more: Parameters<typeof doctype>[2]) => settled(exported({ ...ORDER, ...more }))

test.use({
  app: async ({}, use) => {
    const app = makeApp([ORDER, NOTE])
    await use(app)
    app.remove()
  },
})

test('the tables are edited by mouse, and the file holds the change alone', async ({ editor, page, app }) => {
  // Whose roles are suggested.
  await editor.open('Acme Note')
  await editor.open('Acme Order')
  await page.getByRole('tab', { name: 'Settings' }).click()
  await page.getByRole('button', { name: 'Permissions 2' }).click()
  const row = (name: string) => page.getByRole('group', { name, exact: true })
  await row('Permissions row 2: Acme Clerk').getByLabel('Create').uncheck()
  await row('Permissions row 2: Acme Clerk').getByRole('button', { name: 'Move up' }).click()
  await expect(row('Permissions row 1: Acme Clerk')).toBeVisible()
  await page.getByRole('region', { name: 'Permissions' }).getByRole('button', { name: 'Add row' }).click()
  await page.keyboard.type('Auditor')
  await page.getByRole('option', { name: 'Acme Auditor' }).click()
  await row('Permissions row 3: Acme Auditor').getByLabel('Level').fill('1')
  await row('Permissions row 3: Acme Auditor').getByLabel('Delete').uncheck()

  await page.getByRole('button', { name: 'Links 1' }).click()
  await row('Links row 1: Acme Note').getByLabel('Group').fill('Notes')
  await page.getByRole('button', { name: 'Actions 0' }).click()
  await page.getByRole('region', { name: 'Actions' }).getByRole('button', { name: 'Add row' }).click()
  await row('Actions row 1').getByLabel('Label').fill('Recount')
  await row('Actions row 1: Recount').getByLabel('Action Type').selectOption('Route')
  await row('Actions row 1: Recount').getByLabel('Action / Route').fill('/app/recount')
  await page.getByRole('button', { name: 'States 0' }).click()
  const addState = page.getByRole('region', { name: 'States' }).getByRole('button', { name: 'Add row' })
  await addState.click()
  await page.keyboard.type('Open')
  await addState.click()
  await row('States row 1: Open').getByLabel('Color').selectOption('Light Blue')
  await row('States row 2').getByRole('button', { name: 'Remove row' }).click()
  await expect(row('States row 2')).toHaveCount(0)

  expect(await faults(page)).toEqual([])
  await expect(editor.changes).toContainText('Nothing to plan against blue.')
  await expect(editor.changes.getByRole('region', { name: 'Problems' })).toHaveCount(0)
  await editor.save()
  const { delete: _, ...auditor } = { ...NEW, permlevel: 1, role: 'Acme Auditor' }
  expect(settled(app.text(PATH))).toBe(
    expected({
      actions: [{ action: '/app/recount', action_type: 'Route', label: 'Recount' }],
      links: [{ custom: 1, group: 'Notes', link_doctype: 'Acme Note', link_fieldname: 'order' }],
      permissions: [
        { read: 1, role: 'Acme Clerk', write: 1 },
        { match: 'owner', print: 0, read: 1, role: 'Guest' },
        auditor,
      ],
      states: [{ color: 'Light Blue', title: 'Open' }],
    }),
  )
  expect(app.changed()).toEqual([PATH])
})

test('rows are added, edited, moved, removed and brought back by keyboard alone', async ({ editor, page, app }) => {
  await editor.open('Acme Order')
  await page.getByRole('tab', { name: 'Fields' }).focus()
  await page.keyboard.press('ArrowLeft')
  /** Tab until what has the focus bears the name. */
  const tabTo = async (name: string | RegExp, of = page.getByRole('main')) => {
    const goal = of
      .getByRole('button', { name })
      .or(of.getByLabel(name, { exact: true }))
      .first()
    for (let step = 0; step < 120; step += 1) {
      if (await goal.evaluateAll((found) => found[0] === document.activeElement)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`no Tab leads to ${name}`)
  }
  const row = (name: string) => page.getByRole('group', { name, exact: true })
  await tabTo('Permissions 2')
  await page.keyboard.press('Enter')
  await tabTo('Write', row('Permissions row 1: Guest'))
  await page.keyboard.press('Space')
  await page.keyboard.press('Alt+ArrowDown')
  await expect(row('Permissions row 2: Guest').getByLabel('Write')).toBeFocused()
  await tabTo('Add row')
  await page.keyboard.press('Enter')
  await expect(row('Permissions row 3').getByLabel('Role')).toBeFocused()
  await page.keyboard.type('System Man')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Alt+ArrowUp')
  await page.keyboard.press('Alt+ArrowUp')
  // At the end: it stays, and so does the focus.
  await page.keyboard.press('Alt+ArrowUp')
  await expect(row('Permissions row 1: System Manager').getByLabel('Role')).toBeFocused()
  await tabTo('Remove row', row('Permissions row 2: Acme Clerk'))
  await page.keyboard.press('Space')
  await expect(row('Permissions row 2: Guest').getByRole('button', { name: 'Remove row' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(row('Permissions row 1: System Manager').getByRole('button', { name: 'Remove row' })).toBeFocused()
  // Each change is one step, a typed word too.
  await page.keyboard.press('Control+z')
  await page.keyboard.press('Control+z')
  await expect(row('Permissions row 2: Acme Clerk')).toBeVisible()
  for (let step = 0; step < 5; step += 1) await page.keyboard.press('Control+z')
  await expect(row('Permissions row 2: Acme Clerk')).toBeVisible()
  await expect(row('Permissions row 1: Guest').getByLabel('Write')).toBeChecked()
  await page.keyboard.press('Control+z')
  await expect(editor.saveButton).toBeDisabled()
  await page.keyboard.press('Control+Shift+z')
  await editor.save()
  expect(settled(app.text(PATH))).toBe(
    expected({
      permissions: [
        { match: 'owner', print: 0, read: 1, role: 'Guest', write: 1 },
        { create: 1, read: 1, role: 'Acme Clerk', write: 1 },
      ],
    }),
  )
  const lines = app
    .diff()
    .split('\n')
    .filter((line) => /^[+-](?![+-])/.test(line) && !line.includes('"modified"'))
  expect(lines).toEqual(['-   "role": "Guest"', '+   "role": "Guest",', '+   "write": 1'])
})
