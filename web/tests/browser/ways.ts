import { expect, type Locator, type Page } from '@playwright/test'
import { EditorPage } from './editor'

/** How somebody works with the editor: each kind of edit, in one way of using it. Text is typed in both. */
export interface Way {
  open(doctype: string): Promise<void>
  part(name: 'Fields' | 'Settings'): Promise<void>
  field(fieldname: string): Promise<void>
  text(label: string, value: string): Promise<void>
  choose(label: string, option: string): Promise<void>
  tick(label: string): Promise<void>
  press(button: string): Promise<void>
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

  private control(label: string): Locator {
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

  tick(label: string) {
    return this.control(label).click()
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

  private reachLabel(label: string) {
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

  async tick(label: string) {
    await this.reachLabel(label)
    await this.page.keyboard.press('Space')
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
