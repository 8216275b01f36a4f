import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, type Locator, type Page, test as base } from '@playwright/test'
import { type App, ACME, type Json, makeApp } from './app'
import { noComplaints } from './complaints'

/** The program under test; `make browser` builds it. */
export const BINARY =
  process.env.CROSSFADE ??
  fileURLToPath(new URL('../../../target/x86_64-unknown-linux-gnu/debug/crossfade', import.meta.url))

/** A running command that serves the page. */
export interface Server {
  /** The address that it printed, with the key that lets a browser in. */
  readonly url: string
  /** The same without path and key. */
  readonly origin: string
  stop(): Promise<void>
}

/** Starts the editor on apps, against what they have committed. */
export async function serve(apps: readonly Pick<App, 'path'>[], more: readonly string[] = []): Promise<Server> {
  return start(['editor', ...apps.flatMap(({ path }) => ['--app', path]), '--against', 'main', '--port', '0', ...more])
}

/** Starts a command that serves the page, and waits for the address that it prints. */
export async function start(words: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Server> {
  const child: ChildProcess = spawn(BINARY, words, { stdio: ['ignore', 'pipe', 'pipe'], env })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const url = await new Promise<string>((resolve, reject) => {
    if (child.stdout === null) return reject(new Error('no output'))
    createInterface(child.stdout).on('line', (line) => {
      const address = /http:\/\/\S+/.exec(line)?.[0]
      if (address !== undefined) resolve(address)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`crossfade ${words[0]} ended with ${code}: ${log}`)))
  })
  return {
    url,
    origin: new URL(url).origin,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** The page of an editor, in the words of who uses it. */
export class EditorPage {
  readonly fields: Locator
  readonly changes: Locator
  readonly saveButton: Locator

  constructor(readonly page: Page) {
    this.fields = page.getByRole('treegrid', { name: 'Fields' })
    this.changes = page.getByRole('complementary', { name: 'What the changes do' })
    this.saveButton = page.getByRole('button', { name: /^Save/ })
  }

  async open(name: string) {
    await this.page.keyboard.press('Control+k')
    await this.page.getByLabel('Search DocTypes').fill(name)
    await expect(this.page.getByRole('treeitem', { name, exact: false }).first()).toBeVisible()
    await this.page.keyboard.press('Enter')
    await expect(this.page.getByRole('heading', { level: 2, name, exact: true })).toBeVisible()
    await this.page.keyboard.press('Alt+f')
  }

  row(fieldname: string): Locator {
    return this.fields
      .getByRole('row')
      .filter({ has: this.page.getByRole('gridcell', { name: fieldname, exact: true }) })
      .first()
  }

  /** Selects a field by the keyboard alone. */
  async goTo(fieldname: string) {
    await this.page.keyboard.press('Alt+f')
    await this.page.keyboard.press('Home')
    for (let step = 0; step < 200; step += 1) {
      const row = this.row(fieldname)
      if ((await row.count()) > 0 && (await row.getAttribute('aria-selected')) === 'true') return
      await this.page.keyboard.press('ArrowDown')
    }
    throw new Error(`no field ${fieldname}`)
  }

  change(kind: string, place: string): Locator {
    return this.changes.getByRole('article', { name: `${kind}: ${place}` })
  }

  /** Unfolds a change and gives its SQL. */
  async sqlOf(change: Locator): Promise<string> {
    await change.getByRole('button', { name: /^SQL:/ }).click()
    return (await change.getByRole('region', { name: /SQL$/ }).allInnerTexts()).join('\n')
  }

  async save() {
    await this.page.keyboard.press('Control+s')
    await expect(this.saveButton).toHaveText('Save')
  }

  async fieldnames(): Promise<string[]> {
    const cells = await this.fields.getByRole('row').locator('[role=gridcell]:nth-child(3)').allInnerTexts()
    return cells.map((text) => text.trim())
  }
}

interface Fixtures {
  app: App
  server: Server
  editor: EditorPage
  /** What the browser's console said that is no good: errors, and what the page's policy stopped. */
  complaints: string[]
}

/** Tests with the sample app, an editor on it, and a page that has loaded. */
export const test = base.extend<Fixtures>({
  app: async ({}, use) => {
    const app = makeApp(ACME)
    await use(app)
    app.remove()
  },
  server: async ({ app }, use) => {
    const server = await serve([app])
    await use(server)
    await server.stop()
  },
  complaints: noComplaints,
  editor: async ({ page, server, complaints: _ }, use) => {
    await page.goto(server.url)
    await expect(page.getByRole('tree').getByRole('treeitem').first()).toBeVisible()
    await use(new EditorPage(page))
  },
})

/** The fields of a document by name. */
export function fieldsOf(document: { [key: string]: Json }): Map<string, { [key: string]: Json }> {
  const fields = document['fields'] as { [key: string]: Json }[]
  return new Map(fields.map((field) => [String(field['fieldname']), field]))
}

export { expect }
