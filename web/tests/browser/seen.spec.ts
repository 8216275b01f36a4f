import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { exported } from './app'
import { BINARY, EditorPage, expect, fieldsOf, start, test } from './editor'
import { faults } from './faults'

test('badges mark what differs from blue, and "Changed only" shows nothing else', async ({ editor, page }) => {
  const tree = page.getByRole('tree')
  const only = page.getByRole('button', { name: /^Changed only/ })
  await expect(only).toHaveText(/Changed only\s*0/)
  await editor.open('Acme Customer')
  await editor.goTo('email')
  await page.keyboard.press('Delete')
  await editor.open('Acme Settings')
  await page.getByRole('button', { name: 'Delete DocType' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('Alt+n')
  await expect(page.getByLabel('Name', { exact: true })).toBeFocused()
  await page.keyboard.type('Acme Tax')
  await page.keyboard.press('Enter')
  await page.getByLabel('Search DocTypes').fill('')
  await expect(tree.getByRole('treeitem', { name: 'Acme Customer' }).getByTitle('edited')).toHaveText(/M/)
  await expect(tree.getByRole('treeitem', { name: 'Acme Settings' }).getByTitle('removed')).toHaveText(/D/)
  await expect(tree.getByRole('treeitem', { name: 'Acme Tax' }).getByTitle('added')).toHaveText(/A/)
  await expect(tree.getByRole('treeitem', { name: 'Acme Order', exact: true }).locator('.state-badge')).toHaveCount(0)
  await only.click()
  await expect(only).toHaveText(/Changed only\s*3/)
  await expect(tree.getByRole('treeitem').filter({ hasText: /Acme (Customer|Settings|Tax)/ })).toHaveCount(3)
  await expect(tree.getByRole('treeitem', { name: 'Acme Order', exact: true })).toHaveCount(0)
  await editor.open('Acme Customer')
  await page.keyboard.press('Control+z')
  // Saved, it still differs from blue.
  await page.getByLabel('Search DocTypes').fill('')
  await editor.save()
  await expect(only).toHaveText(/Changed only\s*2/)
})

test('a snapshot is what the working tree is compared with', async ({ app, page, complaints: _ }) => {
  const snapshot = join(app.path, '..', 'blue.json')
  const bench = join(app.path, '..', 'bench')
  execFileSync('mkdir', ['-p', join(bench, 'apps'), join(bench, 'sites')])
  execFileSync('cp', ['-r', app.path, join(bench, 'apps')])
  execFileSync('sh', ['-c', `echo acme > ${join(bench, 'sites/apps.txt')}`])
  execFileSync(BINARY, ['snapshot', '--bench', bench, '--out', snapshot], { stdio: 'pipe' })
  const order = app.read('Acme Order')
  order['description'] = 'other'
  fieldsOf(order).get('remarks')!['fieldtype'] = 'Int'
  app.write(app.file('Acme Order'), exported(order))
  const server = await start(['editor', '--app', app.path, '--against', snapshot, '--port', '0'])
  await page.goto(server.url)
  const editor = new EditorPage(page)
  await expect(page.getByText('the snapshot', { exact: false }).first()).toBeVisible()
  await expect(editor.change('column incompatible', 'Acme Order.remarks')).toBeVisible()
  await editor.open('Acme Order')
  await editor.goTo('remarks')
  await page.keyboard.press('t')
  await page.getByLabel('Type', { exact: true }).selectOption('Data')
  await expect(editor.changes.getByRole('article')).toHaveCount(0)
  await server.stop()
})

test('a section is dragged with all that is in it, and a field to the end of a column', async ({
  editor,
  page,
  app,
}) => {
  await editor.open('Acme Order')
  await page.getByRole('tab', { name: 'Form' }).click()
  const form = page.getByRole('listbox', { name: 'Form' })
  const option = (name: string) => form.getByRole('option', { name })
  const column = form.getByRole('group', { name: 'Items' }).locator('.border-dashed')
  const box = (await column.boundingBox())!
  await option('Customer Email').dragTo(column, { targetPosition: { x: 60, y: box.height - 2 } })
  await expect
    .poll(() => form.getByRole('group', { name: 'Items' }).getByRole('option').allInnerTexts())
    .toHaveLength(5)
  await option('Items')
    .first()
    .dragTo(option('Customer').first(), { targetPosition: { x: 60, y: 3 } })
  await editor.save()
  expect(app.read('Acme Order')['field_order']).toEqual([
    'items_section',
    'items',
    'total',
    'remarks',
    'customer_email',
    'customer',
  ])
})

test('everything is within reach at 900 px, and light or dark is chosen by hand', async ({ editor, page }) => {
  await page.setViewportSize({ width: 900, height: 700 })
  await editor.open('Acme Customer')
  await editor.row('email').click()
  for (const name of ['Undo', 'Redo', 'Output', /^Save/, 'More', 'Rename DocType', 'Delete DocType', 'Add field']) {
    const button = page.getByRole('button', { name, exact: typeof name === 'string' })
    await expect(button).toBeInViewport({ ratio: 1 })
  }
  await page.getByLabel('Unique').check()
  await expect(editor.change('unique added', 'Acme Customer.email')).toBeInViewport()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(900)
  const theme = () => page.evaluate(() => document.documentElement.dataset['theme'])
  for (const [label, chosen] of [
    ['Dark', 'dark'],
    ['Light', 'light'],
  ] as const) {
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: label }).click()
    await expect.poll(theme).toBe(chosen)
  }
})

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds no serious fault in dialogs and notices, ${theme}`, async ({ editor, page, app }) => {
    test.slow()
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await editor.open('Acme Settings')
    await page.getByRole('button', { name: 'Delete DocType' }).click()
    await expect(page.getByRole('dialog')).toBeVisible()
    expect(await faults(page), 'delete').toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await expect(editor.change('doctype removed', 'Acme Settings')).toBeVisible()
    expect(await faults(page), 'a DocType that goes').toEqual([])
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Alt+f')
    await page.keyboard.press('?')
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
    expect(await faults(page), 'shortcuts').toEqual([])
    await page.keyboard.press('Escape')
    await editor.open('Acme Order')
    await editor.goTo('remarks')
    await page.keyboard.press('Delete')
    await expect(editor.changes.getByRole('region', { name: 'Problems' })).toBeVisible()
    await page.keyboard.press('Control+s')
    await expect(page.getByRole('alert')).toContainText('remarks')
    expect(await faults(page), 'problems and a notice').toEqual([])
    await page.getByRole('button', { name: 'Close the notice' }).click()
    await page.keyboard.press('Control+z')
    await editor.goTo('total')
    await page.keyboard.press('Delete')
    const other = app.read('Acme Order')
    other['description'] = 'other'
    app.write(app.file('Acme Order'), exported(other))
    await expect(page.getByText('The file changed on disk')).toBeVisible()
    expect(await faults(page), 'a file that changed').toEqual([])
    await page.keyboard.press('Control+s')
    await expect(page.getByRole('dialog', { name: 'Changed on disk meanwhile' })).toBeVisible()
    expect(await faults(page), 'conflict').toEqual([])
  })
}
