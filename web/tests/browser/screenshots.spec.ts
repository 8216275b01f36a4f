import { fileURLToPath } from 'node:url'
import { exported } from './app'
import { expect, fieldsOf, test } from './editor'

/** Written only when they are asked for: fonts differ between machines, so they are looked at, not compared. */
test.skip(process.env.SCREENSHOTS === undefined, 'SCREENSHOTS=1 writes docs/images')

const at = (name: string) => fileURLToPath(new URL(`../../../docs/images/editor-${name}.png`, import.meta.url))

test('the main views, light', async ({ editor, page }) => {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await editor.open('Acme Order')
  await editor.open('Acme Customer')
  await editor.goTo('credit_limit')
  await page.keyboard.press('t')
  await page.getByLabel('Type', { exact: true }).selectOption('Int')
  await page.keyboard.press('Escape')
  await editor.goTo('status')
  await page.keyboard.press('a')
  await page.keyboard.type('Loyalty Points')
  await page.keyboard.press('Escape')
  const change = editor.change('column incompatible', 'Acme Customer.credit_limit')
  await change.getByRole('button', { name: /^SQL:/ }).click()
  await expect(change.getByRole('region').first()).toBeVisible()
  await page.keyboard.press('Alt+f')
  await page.getByLabel('Search DocTypes').fill('')
  await page.screenshot({ path: at('fields') })
  await page.setViewportSize({ width: 900, height: 700 })
  await page.screenshot({ path: at('900px') })
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.getByRole('tab', { name: 'Form' }).click()
  await page.getByRole('option', { name: /Email/ }).dblclick()
  await page.screenshot({ path: at('form') })
  await page.keyboard.press('Escape')
  await page.keyboard.press('Alt+o')
  await expect(page.getByRole('region', { name: 'Expand SQL' })).toContainText('ALTER')
  await page.screenshot({ path: at('output') })
})

test('a rename, light', async ({ editor, page }) => {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await editor.open('Acme Customer')
  await editor.goTo('email')
  await page.getByLabel('Search DocTypes').fill('')
  await page.keyboard.press('Alt+f')
  await page.keyboard.press('F2')
  await page.getByLabel('New name').fill('email_id')
  await expect(page.getByText('Acme Order.customer_email')).toBeVisible()
  await page.screenshot({ path: at('rename') })
})

test('a conflict, light', async ({ editor, page, app }) => {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await editor.open('Acme Customer')
  await editor.row('email').click()
  await page.getByLabel('Label', { exact: true }).fill('E-mail')
  await page.getByLabel('Unique').check()
  const other = app.read('Acme Customer')
  fieldsOf(other).get('email')!['label'] = 'Email Address'
  fieldsOf(other).get('status')!['reqd'] = 1
  app.write(app.file('Acme Customer'), exported(other))
  await expect(page.getByText('The file changed on disk')).toBeVisible()
  await page.getByLabel('Search DocTypes').fill('')
  await page.keyboard.press('Control+s')
  await expect(page.getByRole('dialog').getByRole('row', { name: /email: label/ })).toBeVisible()
  await page.screenshot({ path: at('conflict') })
})

test('a field and its verdict, dark, on a big screen', async ({ editor, page }) => {
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
  await page.setViewportSize({ width: 1920, height: 1080 })
  await editor.open('Acme Customer')
  await editor.goTo('email')
  await page.keyboard.press('Enter')
  await page.getByLabel('Unique').check()
  await page.getByLabel('Mandatory', { exact: true }).check()
  const change = editor.change('unique added', 'Acme Customer.email')
  await change.getByRole('button', { name: /^SQL:/ }).click()
  await expect(change.getByRole('region').first()).toBeVisible()
  await page.getByLabel('Search DocTypes').fill('')
  await page.screenshot({ path: at('dark') })
})
