import { expect, it } from 'vitest'
import { bestRow, type TreeDocType, treeRows } from './tree'

const doctype = (name: string, app: string, module: string, badge: string | null = null): TreeDocType => ({
  id: name,
  name,
  app,
  module,
  badge,
})
const all = [
  doctype('User', 'frappe', 'Core'),
  doctype('Item', 'erpnext', 'Stock', 'edited'),
  doctype('Bin', 'erpnext', 'Stock'),
  doctype('Account', 'erpnext', 'Accounts'),
]
const shown = (rows: ReturnType<typeof treeRows>) => rows.map((row) => `${' '.repeat(row.level)}${row.label}`)
const none = new Set<string>()

it('shows apps in their order, modules and DocTypes by name', () => {
  expect(shown(treeRows(all, '', false, none))).toEqual([
    ' frappe',
    '  Core',
    '   User',
    ' erpnext',
    '  Accounts',
    '   Account',
    '  Stock',
    '   Bin',
    '   Item',
  ])
})

it('folds apps and modules, and says what changed in them', () => {
  const rows = treeRows(all, '', false, new Set(['frappe', 'erpnext/Stock']))
  expect(shown(rows)).toEqual([' frappe', ' erpnext', '  Accounts', '   Account', '  Stock'])
  expect(rows[4]).toMatchObject({ count: 2, changed: 1, open: false })
})

it('finds by every word, in folded ones too', () => {
  expect(shown(treeRows(all, 'sto ITE', false, new Set(['erpnext'])))).toEqual([' erpnext', '  Stock', '   Item'])
})

it('shows what changed alone', () => {
  expect(shown(treeRows(all, '', true, none))).toEqual([' erpnext', '  Stock', '   Item'])
})

it('takes 20 keystrokes on 10,000 DocTypes within a second', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => doctype(`DocType ${i}`, 'app', `Module ${i % 50}`))
  const start = performance.now()
  for (let i = 0; i < 20; i += 1) treeRows(many, `type ${i}`, false, none)
  expect(performance.now() - start).toBeLessThan(1000)
})

it('goes to the DocType of the name that is searched', () => {
  const items = ['Bill of Item', 'Item Price', 'Item', 'Items'].map((name) => doctype(name, 'app', 'Stock'))
  const at = (search: string) => {
    const rows = treeRows(items, search, false, none)
    return rows[bestRow(rows, search)]?.label
  }
  expect(at('item')).toBe('Item')
  expect(at('item p')).toBe('Item Price')
  expect(at('of')).toBe('Bill of Item')
})
