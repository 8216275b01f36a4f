import { expect, type Locator, type Page } from '@playwright/test'
import { EditorPage } from './editor'

/** How somebody works with the editor: each kind of edit, in one way of using it. Text is typed in both. */
export interface Way {
  open(doctype: string): Promise<void>
  part(name: 'Fields' | 'Form' | 'Settings'): Promise<void>
  /** Goes to a DocType that is open in a tab. */
  tab(doctype: string): Promise<void>
  closeTab(doctype: string): Promise<void>
  field(fieldname: string): Promise<void>
  /** Selects a field and those up to another one below it. */
  several(from: string, to: string): Promise<void>
  /** Selects a field in the form as the desk shows it. */
  inForm(label: string): Promise<void>
  /** Moves what is selected in the form up by one, over the field of that label. */
  moveInForm(label: string, over: string): Promise<void>
  openInForm(label: string): Promise<void>
  text(label: string, value: string): Promise<void>
  choose(label: string, option: string): Promise<void>
  tick(label: string | RegExp): Promise<void>
  press(button: string): Promise<void>
  /** Chooses one of several, which exclude each other. */
  pick(label: string): Promise<void>
  /** Ends a dialog that was filled in. */
  confirm(button: string): Promise<void>
  /** Takes what a list suggests for a text. */
  suggested(label: string, value: string): Promise<void>
  addBelow(fieldname: string, label: string): Promise<void>
  remove(fieldname: string): Promise<void>
  duplicate(fieldname: string): Promise<void>
  moveUp(fieldname: string, over: string): Promise<void>
  renameField(fieldname: string): Promise<void>
  newDocType(): Promise<void>
  undo(): Promise<void>
  redo(): Promise<void>
  save(): Promise<void>
}

/** The pointer chooses everything. */
export class ByMouse implements Way {
  private readonly editor: EditorPage

  constructor(private readonly page: Page) {
    this.editor = new EditorPage(page)
  }

  private control(label: string | RegExp): Locator {
    return this.page.getByLabel(label, { exact: true })
  }

  async open(doctype: string) {
    await this.page.getByRole('treeitem', { name: doctype, exact: false }).first().click()
    await expect(this.page.getByRole('heading', { level: 2, name: doctype, exact: true })).toBeVisible()
  }

  part(name: string) {
    return this.page.getByRole('tab', { name, exact: true }).click()
  }

  field(fieldname: string) {
    return this.editor.row(fieldname).click()
  }

  async text(label: string, value: string) {
    await this.control(label).click()
    await this.page.keyboard.press('Control+a')
    await this.page.keyboard.type(value)
  }

  async choose(label: string, option: string) {
    await this.control(label).selectOption(option)
  }

  tick(label: string | RegExp) {
    return this.control(label).click()
  }

  async several(from: string, to: string) {
    await this.field(from)
    await this.editor.row(to).click({ modifiers: ['Shift'] })
  }

  private option(label: string) {
    return this.page.getByRole('listbox', { name: 'Form' }).getByRole('option', { name: label })
  }

  inForm(label: string) {
    return this.option(label).click()
  }

  moveInForm(label: string, over: string) {
    return this.option(label).dragTo(this.option(over), { targetPosition: { x: 40, y: 4 } })
  }

  openInForm(label: string) {
    return this.option(label).dblclick()
  }

  tab(doctype: string) {
    return this.page.getByRole('tablist', { name: 'Open DocTypes' }).getByRole('tab', { name: doctype }).click()
  }

  async closeTab(doctype: string) {
    const tabs = this.page.getByRole('tablist', { name: 'Open DocTypes' })
    const one = tabs.getByRole('presentation').filter({ has: this.page.getByRole('tab', { name: doctype }) })
    await one.locator('.close-tab').click()
  }

  pick(label: string) {
    return this.control(label).click()
  }

  confirm(button: string) {
    return this.page.getByRole('dialog').getByRole('button', { name: button, exact: true }).click()
  }

  async suggested(label: string, value: string) {
    await this.text(label, value)
    await this.page.getByRole('option', { name: value, exact: true }).click()
  }

  press(button: string) {
    return this.page.getByRole('button', { name: button, exact: true }).click()
  }

  async addBelow(fieldname: string, label: string) {
    await this.field(fieldname)
    await this.press('Add field')
    await this.text('Label', label)
  }

  async remove(fieldname: string) {
    await this.field(fieldname)
    await this.press('Remove')
  }

  async duplicate(fieldname: string) {
    await this.field(fieldname)
    await this.press('Duplicate')
  }

  async moveUp(fieldname: string, over: string) {
    const handle = this.editor.row(fieldname).locator('.drag-handle')
    await handle.dragTo(this.editor.row(over), { targetPosition: { x: 100, y: 4 } })
  }

  async renameField(fieldname: string) {
    await this.field(fieldname)
    await this.press('Rename')
  }

  newDocType() {
    return this.press('New DocType')
  }

  undo() {
    return this.press('Undo')
  }

  redo() {
    return this.press('Redo')
  }

  save() {
    return this.editor.saveButton.click()
  }
}

/** No pointer: everything is reached by keys. */
export class ByKeys implements Way {
  private readonly editor: EditorPage

  constructor(private readonly page: Page) {
    this.editor = new EditorPage(page)
  }

  /** Goes on by Tab until this has the focus. */
  private async reach(control: Locator) {
    await expect(control).toBeVisible()
    for (let step = 0; step < 200; step += 1) {
      if (await control.evaluate((element) => element === document.activeElement)) return
      await this.page.keyboard.press('Tab')
    }
    throw new Error(`Tab does not lead to ${control}`)
  }

  private reachLabel(label: string | RegExp) {
    return this.reach(this.page.getByLabel(label, { exact: true }))
  }

  open(doctype: string) {
    return this.editor.open(doctype)
  }

  async part(name: string) {
    const parts = this.page.getByRole('tablist', { name: 'Parts of the DocType' })
    await this.reach(parts.getByRole('tab', { selected: true }))
    const wanted = parts.getByRole('tab', { name, exact: true })
    for (let step = 0; step < 3 && (await wanted.getAttribute('aria-selected')) !== 'true'; step += 1)
      await this.page.keyboard.press('ArrowRight')
    await expect(wanted).toHaveAttribute('aria-selected', 'true')
  }

  async field(fieldname: string) {
    await this.editor.goTo(fieldname)
    await this.page.keyboard.press('Enter')
  }

  async text(label: string, value: string) {
    await this.reachLabel(label)
    await this.page.keyboard.press('Control+a')
    await this.page.keyboard.type(value)
  }

  async choose(label: string, option: string) {
    await this.reachLabel(label)
    // A list takes what is typed for the beginning of an option.
    await this.page.keyboard.type(option)
  }

  async tick(label: string | RegExp) {
    await this.reachLabel(label)
    await this.page.keyboard.press('Space')
  }

  async several(from: string, to: string) {
    await this.editor.goTo(from)
    const last = this.editor.row(to)
    for (let step = 0; step < 50 && (await last.getAttribute('aria-selected')) !== 'true'; step += 1)
      await this.page.keyboard.press('Shift+ArrowDown')
  }

  private option(label: string) {
    return this.page.getByRole('listbox', { name: 'Form' }).getByRole('option', { name: label })
  }

  async inForm(label: string) {
    await this.page.keyboard.press('Alt+f')
    await this.page.keyboard.press('Home')
    const wanted = this.option(label)
    for (let step = 0; step < 50; step += 1) {
      if ((await wanted.count()) > 0 && (await wanted.getAttribute('aria-selected')) === 'true') return
      await this.page.keyboard.press('ArrowDown')
    }
    throw new Error(`no ${label} in the form`)
  }

  async moveInForm(label: string, _over: string) {
    await this.inForm(label)
    await this.page.keyboard.press('Alt+ArrowUp')
  }

  async openInForm(label: string) {
    await this.inForm(label)
    await this.page.keyboard.press('Enter')
  }

  async tab(doctype: string) {
    const tabs = this.page.getByRole('tablist', { name: 'Open DocTypes' })
    await this.reach(tabs.getByRole('tab', { selected: true }))
    const wanted = tabs.getByRole('tab', { name: doctype })
    for (let step = 0; step < 9 && (await wanted.getAttribute('aria-selected')) !== 'true'; step += 1) {
      await this.page.keyboard.press('ArrowRight')
      await expect(tabs.getByRole('tab', { selected: true })).toBeFocused()
    }
  }

  async closeTab(doctype: string) {
    await this.tab(doctype)
    await this.page.keyboard.press('Delete')
  }

  async pick(label: string) {
    const wanted = this.page.getByLabel(label, { exact: true })
    await expect(wanted).toBeVisible()
    const isRadio = () =>
      this.page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.type === 'radio')
    for (let step = 0; step < 200 && !(await isRadio()); step += 1) await this.page.keyboard.press('Tab')
    for (let step = 0; step < 9 && !(await wanted.isChecked()); step += 1) await this.page.keyboard.press('ArrowDown')
    await expect(wanted).toBeChecked()
  }

  confirm(_button: string) {
    return this.page.keyboard.press('Enter')
  }

  async suggested(label: string, value: string) {
    await this.text(label, value)
    await this.page.keyboard.press('ArrowDown')
    await this.page.keyboard.press('Enter')
  }

  async press(button: string) {
    await this.reach(this.page.getByRole('button', { name: button, exact: true }))
    await this.page.keyboard.press('Enter')
  }

  async addBelow(fieldname: string, label: string) {
    await this.editor.goTo(fieldname)
    await this.page.keyboard.press('a')
    await this.page.keyboard.type(label)
  }

  async remove(fieldname: string) {
    await this.editor.goTo(fieldname)
    await this.page.keyboard.press('Delete')
  }

  async duplicate(fieldname: string) {
    await this.editor.goTo(fieldname)
    await this.page.keyboard.press('Control+d')
  }

  async moveUp(fieldname: string) {
    await this.editor.goTo(fieldname)
    await this.page.keyboard.press('Alt+ArrowUp')
  }

  async renameField(fieldname: string) {
    await this.editor.goTo(fieldname)
    await this.page.keyboard.press('F2')
  }

  newDocType() {
    return this.page.keyboard.press('Alt+n')
  }

  undo() {
    return this.page.keyboard.press('Control+z')
  }

  redo() {
    return this.page.keyboard.press('Control+Shift+z')
  }

  save() {
    return this.page.keyboard.press('Control+s')
  }
}
