import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A value of a DocType's JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Doc = { [key: string]: Json }

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  )
}

/** A document as Frappe exports it: keys sorted, one space, a line break at the end. */
export function exported(doc: Doc): string {
  return `${JSON.stringify(sorted(doc), null, 1)}\n`
}

const scrub = (name: string) => name.toLowerCase().replaceAll(/[ -]/g, '_')

/** A DocType with what Frappe's export always has. */
export function doctype(name: string, fields: Doc[], more: Doc = {}): Doc {
  return {
    actions: [],
    creation: '2024-01-01 10:00:00.000000',
    doctype: 'DocType',
    engine: 'InnoDB',
    field_order: fields.map((field) => field['fieldname'] ?? ''),
    fields,
    links: [],
    modified: '2024-01-01 10:00:00.000000',
    modified_by: 'Administrator',
    module: 'Acme',
    name,
    owner: 'Administrator',
    permissions: [],
    sort_field: 'modified',
    sort_order: 'DESC',
    states: [],
    ...more,
  }
}

/** A field. */
export function field(fieldname: string, fieldtype: string, label: string, more: Doc = {}): Doc {
  return { fieldname, fieldtype, label, ...more }
}

/** The app that most tests edit. */
export const ACME: Doc[] = [
  doctype('Acme Customer', [
    field('details_tab', 'Tab Break', 'Details'),
    field('customer_name', 'Data', 'Customer Name', { in_list_view: 1, reqd: 1 }),
    field('credit_limit', 'Data', 'Credit Limit'),
    field('column_break_1', 'Column Break', ''),
    field('status', 'Select', 'Status', { options: 'Active\nLeft' }),
    field('email', 'Data', 'Email'),
    field('notes_tab', 'Tab Break', 'Notes'),
    field('notes', 'Small Text', 'Notes'),
  ]),
  doctype(
    'Acme Order',
    [
      field('customer', 'Link', 'Customer', { options: 'Acme Customer', reqd: 1 }),
      field('customer_email', 'Data', 'Customer Email', { fetch_from: 'customer.email' }),
      field('items_section', 'Section Break', 'Items'),
      field('items', 'Table', 'Items', { options: 'Acme Order Item' }),
      field('total', 'Currency', 'Total', { read_only: 1 }),
      field('remarks', 'Data', 'Remarks', { depends_on: 'eval:doc.total > 0' }),
    ],
    { is_submittable: 1, search_fields: 'customer, remarks', title_field: 'customer' },
  ),
  doctype('Acme Order Item', [field('item', 'Data', 'Item'), field('qty', 'Int', 'Qty')], { istable: 1 }),
  doctype('Acme Settings', [field('greeting', 'Data', 'Greeting')], { issingle: 1 }),
]

/** A checkout of an app, committed as blue. */
export interface App {
  readonly path: string
  /** Path of a DocType's file within the checkout. */
  file(name: string): string
  read(name: string): Doc
  text(path: string): string
  write(path: string, text: string): void
  /** What differs from the commit. */
  diff(): string
  /** From now on what differs includes new files. */
  addAll(): void
  /** New files, and those that differ. */
  changed(): string[]
  /** The app as a commit has it, in a folder of its own. */
  checkout(ref: string): string
  remove(): void
}

/** Lays an app out in a folder of its own, with a commit. */
export function makeApp(doctypes: readonly Doc[], name = 'acme', modules: readonly string[] = ['Acme']): App {
  const path = join(mkdtempSync(join(tmpdir(), 'editor-')), name)
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), text)
  }
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...words], {
      cwd: path,
      encoding: 'utf8',
    })
  const file = (of: string, module = modules[0] ?? '') =>
    `${name}/${scrub(module)}/doctype/${scrub(of)}/${scrub(of)}.json`
  write(`${name}/__init__.py`, '__version__ = "1.0.0"\n')
  write(`${name}/hooks.py`, `app_name = "${name}"\n`)
  write(`${name}/modules.txt`, `${modules.join('\n')}\n`)
  write(`${name}/patches.txt`, '[pre_model_sync]\n\n[post_model_sync]\n')
  write('pyproject.toml', `[project]\nname = "${name}"\n`)
  for (const doc of doctypes) {
    const at = file(String(doc['name']))
    write(at, exported(doc))
    write(`${dirname(at)}/__init__.py`, '')
  }
  git('init', '-q', '-b', 'main')
  git('add', '-A')
  git('commit', '-q', '-m', 'Blue')
  return {
    path,
    file,
    read: (of) => JSON.parse(readFileSync(join(path, file(of)), 'utf8')) as Doc,
    text: (at) => readFileSync(join(path, at), 'utf8'),
    write,
    diff: () => git('diff', '--unified=0', '--no-color'),
    addAll: () => void git('add', '--all', '--intent-to-add'),
    changed: () =>
      git('status', '--porcelain', '--untracked-files=all')
        .split('\n')
        .filter(Boolean)
        .map((line) => line.slice(3)),
    checkout(ref) {
      const to = join(dirname(path), ref, name)
      git('worktree', 'add', '-q', '--detach', to, ref)
      return to
    },
    remove: () => rmSync(dirname(path), { recursive: true, force: true }),
  }
}
