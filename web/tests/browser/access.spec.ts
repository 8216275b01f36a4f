import { expect, test } from './editor'
import { faults } from './faults'

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds no serious fault in any view, ${theme}`, async ({ editor, page }) => {
    // Eight views, each read by axe from end to end.
    test.slow()
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    expect(await faults(page), 'empty').toEqual([])
    await editor.open('Acme Customer')
    await editor.goTo('credit_limit')
    await page.keyboard.press('t')
    await page.getByLabel('Type', { exact: true }).selectOption('Int')
    const change = editor.change('column incompatible', 'Acme Customer.credit_limit')
    await change.getByRole('button', { name: /^SQL:/ }).click()
    expect(await faults(page), 'a field and its verdict').toEqual([])
    await page.keyboard.press('Escape')
    await page.keyboard.press('Delete')
    await page.getByRole('tab', { name: 'Form' }).click()
    expect(await faults(page), 'form').toEqual([])
    await page.getByRole('tab', { name: 'Settings' }).click()
    expect(await faults(page), 'settings').toEqual([])
    await page.keyboard.press('Alt+o')
    await expect(
      page.getByRole('tabpanel').filter({ hasText: 'ALTER' }).or(page.getByText('There is nothing to do.')),
    ).toBeVisible()
    expect(await faults(page), 'output').toEqual([])
    await page.keyboard.press('Escape')
    await page.keyboard.press('Alt+n')
    expect(await faults(page), 'new DocType').toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('tab', { name: 'Fields' }).click()
    await editor.goTo('email')
    await page.keyboard.press('F2')
    await page.getByLabel('New name').fill('email_id')
    await expect(page.getByText('Acme Order.customer_email')).toBeVisible()
    expect(await faults(page), 'rename').toEqual([])
  })
}

test('the focus goes from left to right, is seen, and comes back from a dialog', async ({ editor, page }) => {
  await editor.open('Acme Customer')
  await page.getByRole('button', { name: 'Hide the DocTypes' }).focus()
  const places: string[] = []
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press('Tab')
    const place = await page.evaluate(() => {
      const element = document.activeElement
      if (element === null || element === document.body) return ''
      const style = getComputedStyle(element)
      const cursor = element.querySelector('.is-cursor')
      const isSeen =
        style.outlineStyle !== 'none' ||
        style.boxShadow !== 'none' ||
        (cursor !== null && getComputedStyle(cursor).outlineStyle !== 'none')
      const part = element.closest('header, nav, main, aside')?.tagName.toLowerCase() ?? ''
      return `${part}${isSeen ? '' : ` unseen ${element.outerHTML.slice(0, 80)}`}`
    })
    if (place !== '' && places.at(-1) !== place) places.push(place)
  }
  expect(places.slice(0, 4)).toEqual(['header', 'nav', 'main', 'aside'])
  expect(places.filter((place) => place.includes('unseen'))).toEqual([])
  await page.keyboard.press('Alt+f')
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(editor.fields).toBeFocused()
})
