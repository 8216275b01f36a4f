import { flag, isObject, type Json, text as textOf, type Values } from './document'
import { withValue } from './edit'
import { check, int, type Property, text } from './properties'

/** A table of a DocType beside its fields: the cells of its rows, and what a new row begins with. */
export interface Table {
  /** The key in the file. */
  readonly name: 'permissions' | 'actions' | 'links' | 'states'
  readonly title: string
  /** The cells of a row. The first says which row it is. */
  readonly columns: readonly Property[]
  /** A row that comes, with the defaults of the desk. */
  newRow(doctype: Values): Values
}

/** A DocPerm as the desk begins one; Frappe takes export and report away from a Single. */
export function newPermission(isSingle: boolean): Values {
  const all = { create: 1, delete: 1, email: 1, print: 1, read: 1, share: 1, write: 1 }
  return isSingle ? all : { ...all, export: 1, report: 1 }
}

/** The tables in the order of the desk's tabs; labels, choices and defaults are those of DocPerm, DocType Action, DocType Link and DocType State. */
export const TABLES: readonly Table[] = [
  {
    name: 'permissions',
    title: 'Permissions',
    columns: [
      { name: 'role', label: 'Role', control: 'role' },
      int('permlevel', 'Level'),
      check('if_owner', 'If user is the owner'),
      check('select', 'Select'),
      check('read', 'Read'),
      check('write', 'Write'),
      check('create', 'Create'),
      check('delete', 'Delete'),
      check('submit', 'Submit'),
      check('cancel', 'Cancel'),
      check('amend', 'Amend'),
      check('report', 'Report'),
      check('export', 'Export'),
      check('import', 'Import'),
      check('share', 'Share'),
      check('print', 'Print'),
      check('email', 'Email'),
    ],
    newRow: (doctype) => newPermission(flag(doctype, 'issingle')),
  },
  {
    name: 'actions',
    title: 'Actions',
    columns: [
      text('label', 'Label'),
      text('group', 'Group'),
      { name: 'action_type', label: 'Action Type', control: 'select', choices: ['Server Action', 'Route'] },
      text('action', 'Action / Route'),
      check('hidden', 'Hidden'),
    ],
    newRow: () => ({ action_type: 'Server Action' }),
  },
  {
    name: 'links',
    title: 'Links',
    columns: [
      { name: 'link_doctype', label: 'Link DocType', control: 'doctype' },
      text('link_fieldname', 'Link Fieldname'),
      { name: 'parent_doctype', label: 'Parent DocType', control: 'doctype' },
      text('table_fieldname', 'Table Fieldname'),
      text('group', 'Group'),
      check('hidden', 'Hidden'),
      check('is_child_table', 'Is Child Table'),
    ],
    newRow: () => ({}),
  },
  {
    name: 'states',
    title: 'States',
    columns: [
      text('title', 'Title'),
      {
        name: 'color',
        label: 'Color',
        control: 'select',
        choices: ['Blue', 'Cyan', 'Gray', 'Green', 'Light Blue', 'Orange', 'Pink', 'Purple', 'Red', 'Yellow'],
      },
      check('custom', 'Custom'),
    ],
    newRow: () => ({ color: 'Blue' }),
  },
]

/** The rows of a table, none for one that the file does not have; null for what is no list of rows: files are hostile. */
export function rowsOf(doctype: Values, table: string): readonly Values[] | null {
  const value = (Object.hasOwn(doctype, table) ? doctype[table] : null) ?? []
  return Array.isArray(value) && value.every(isObject) ? value : null
}

/** The rows with one cell set, or taken out of the file. The same list if nothing changes. */
export function withCell(
  rows: readonly Values[],
  at: number,
  name: string,
  value: Json | undefined,
): readonly Values[] {
  const row = rows[at]
  const next = row === undefined ? row : withValue(row, name, value)
  return next === undefined || next === row ? rows : rows.with(at, next)
}

/** The rows without one. */
export function withoutRow(rows: readonly Values[], at: number): readonly Values[] {
  return rows.filter((_, index) => index !== at)
}

/** The rows with one moved up (-1) or down (1). The same list at its ends. */
export function withMoved(rows: readonly Values[], at: number, by: -1 | 1): readonly Values[] {
  const [row, other] = [rows[at], rows[at + by]]
  return row === undefined || other === undefined ? rows : rows.with(at, other).with(at + by, row)
}

/** Roles that every site has. */
const STANDARD_ROLES = ['Administrator', 'All', 'Desk User', 'Guest', 'System Manager']

/** Roles to suggest: those of every site, and those that DocTypes name. */
export function knownRoles(doctypes: Iterable<Values>): string[] {
  const roles = new Set(STANDARD_ROLES)
  for (const doctype of doctypes) {
    for (const row of rowsOf(doctype, 'permissions') ?? []) roles.add(textOf(row, 'role'))
  }
  return [...roles].filter((role) => role !== '').sort()
}
