import { describe, expect, it } from 'vitest'
import { fromJson, type Json, sameDocType, toJson, type Values } from './document'
import { apply } from './edit'
import { begin, record, undo } from './history'
import { knownRoles, rowsOf, TABLES, type Table, withCell, withMoved, withoutRow } from './tables'

const table = (name: Table['name']) => TABLES.find((table) => table.name === name)!
const file: Values = {
  doctype: 'DocType',
  fields: [],
  name: 'Thing',
  permissions: [
    { match: 'kept', read: 1, role: 'Guest', write: 0 },
    { create: 1, read: 1, role: 'Clerk' },
  ],
}
const before = fromJson(file)
const rows = rowsOf(before.values, 'permissions')!
const roles = (rows: readonly Values[]) => rows.map((row) => row['role'])
const withRows = (rows: readonly Values[]) =>
  apply(before, { kind: 'property', name: 'permissions', value: rows as Json[] })

describe('a table of a DocType', () => {
  it('has each column once, and the row says which it is by the first', () => {
    for (const { columns } of TABLES) {
      const names = columns.map(({ name }) => name)
      expect(names).toEqual([...new Set(names)])
    }
    expect(TABLES.map(({ columns }) => columns[0]!.name)).toEqual(['role', 'label', 'link_doctype', 'title'])
  })

  it('begins a row as the desk does', () => {
    expect(table('permissions').newRow({})).toEqual({
      create: 1,
      delete: 1,
      email: 1,
      export: 1,
      print: 1,
      read: 1,
      report: 1,
      share: 1,
      write: 1,
    })
    expect(Object.keys(table('permissions').newRow({ issingle: 1 }))).not.toContain('report')
    expect(table('states').newRow({})).toEqual({ color: 'Blue' })
    expect(table('actions').newRow({})).toEqual({ action_type: 'Server Action' })
    expect(table('links').newRow({})).toEqual({})
  })

  it('gains a row', () => {
    const after = withRows([...rows, { ...table('permissions').newRow({}), role: 'New' }])
    expect(roles(rowsOf(after.values, 'permissions')!)).toEqual(['Guest', 'Clerk', 'New'])
    expect(roles(rowsOf(before.values, 'permissions')!)).toEqual(['Guest', 'Clerk'])
  })

  it('has a cell edited, and keeps the keys that no column has', () => {
    const after = withRows(withCell(rows, 0, 'role', 'All'))
    expect(toJson(after)['permissions']).toEqual([{ match: 'kept', read: 1, role: 'All', write: 0 }, rows[1]])
    expect(withCell(rows, 1, 'create', undefined)[1]).toEqual({ read: 1, role: 'Clerk' })
    expect(withCell(rows, 0, 'role', 'Guest')).toBe(rows)
    expect(withCell(rows, 7, 'role', 'All')).toBe(rows)
  })

  it('loses a row', () => expect(roles(withoutRow(rows, 0))).toEqual(['Clerk']))

  it('has a row moved, within its ends', () => {
    expect(roles(withMoved(rows, 1, -1))).toEqual(['Clerk', 'Guest'])
    expect(roles(withMoved(rows, 0, 1))).toEqual(['Clerk', 'Guest'])
    expect(withMoved(rows, 0, -1)).toBe(rows)
    expect(withMoved(rows, 1, 1)).toBe(rows)
  })

  it('goes back by one step a change', () => {
    let history = begin(before)
    history = record(history, withRows(withMoved(rows, 0, 1)))
    const moved = history.present
    history = record(history, withRows(withoutRow(rows, 0)))
    expect(undo(history).present).toBe(moved)
    expect(sameDocType(undo(undo(history)).present, before)).toBe(true)
  })

  it('that is none is left alone', () => {
    for (const hostile of [{ a: 1 }, 'x', [1], [null], [[]]]) expect(rowsOf({ links: hostile }, 'links')).toBeNull()
    expect(rowsOf({}, 'links')).toEqual([])
    expect(rowsOf({ links: null }, 'links')).toEqual([])
    expect(rowsOf({}, 'constructor')).toEqual([])
  })
})

it('roles are those of every site and those that DocTypes name', () => {
  const known = knownRoles([before.values, { permissions: 'none' }, { permissions: [{}] }])
  expect(known).toEqual(expect.arrayContaining(['Clerk', 'Guest', 'System Manager']))
  expect(known).not.toContain('')
  expect(known).toEqual([...new Set(known)])
})
