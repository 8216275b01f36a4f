import type { Field } from './document'

/** Where somebody is in a list of fields: one field, and those that are marked with it. */
export interface Selection {
  /** Key of the field that keys act on; null in an empty list. */
  readonly cursor: number | null
  /** Key of the field at which the range began. */
  readonly anchor: number | null
  readonly keys: ReadonlySet<number>
}

/** Nothing selected. */
export const NO_SELECTION: Selection = { cursor: null, anchor: null, keys: new Set() }

/** One field alone. */
export function only(key: number | null): Selection {
  return { cursor: key, anchor: key, keys: new Set(key === null ? [] : [key]) }
}

function indexOf(fields: readonly Field[], key: number | null): number {
  return fields.findIndex((field) => field.key === key)
}

/** The selection after going to `index`, held within the list; `extend` keeps where it began. */
export function goTo(selection: Selection, fields: readonly Field[], index: number, extend: boolean): Selection {
  const at = Math.max(0, Math.min(fields.length - 1, index))
  const field = fields[at]
  if (field === undefined) return NO_SELECTION
  const anchor = indexOf(fields, selection.anchor)
  if (!extend || anchor < 0) return only(field.key)
  const range = fields.slice(Math.min(anchor, at), Math.max(anchor, at) + 1)
  return { cursor: field.key, anchor: selection.anchor, keys: new Set(range.map((other) => other.key)) }
}

/** The selection after going on by so many lines. */
export function goBy(selection: Selection, fields: readonly Field[], by: number, extend: boolean): Selection {
  const from = indexOf(fields, selection.cursor)
  return goTo(selection, fields, from < 0 ? (by > 0 ? 0 : fields.length - 1) : from + by, extend)
}

/** Marks one field more or less. */
export function toggle(selection: Selection, key: number): Selection {
  const keys = new Set(selection.keys)
  if (!keys.delete(key)) keys.add(key)
  return { cursor: key, anchor: key, keys }
}

/** The field to be at when the selected ones are gone: the one below, or the last above. */
export function afterRemoval(selection: Selection, fields: readonly Field[]): Selection {
  const at = indexOf(fields, selection.cursor)
  const rest = (field: Field) => !selection.keys.has(field.key)
  const next = fields.slice(Math.max(at, 0)).find(rest) ?? fields.slice(0, Math.max(at, 0)).filter(rest).at(-1)
  return only(next?.key ?? null)
}

/** Where a move by one line puts the selected fields: `to` of the edit `move`, null at the end of the list. */
export function moveTarget(selection: Selection, fields: readonly Field[], by: -1 | 1): number | null {
  const at = fields.flatMap((field, index) => (selection.keys.has(field.key) ? [index] : []))
  const first = at[0]
  const last = at.at(-1)
  if (first === undefined || last === undefined) return null
  if (by < 0) return first > 0 ? first - 1 : null
  return last < fields.length - 1 ? last + 2 : null
}

/** The fields as marked, without those that an undo took away. */
export function stillThere(selection: Selection, fields: readonly Field[]): Selection {
  const there = new Set(fields.map((field) => field.key))
  if (selection.cursor !== null && there.has(selection.cursor) && [...selection.keys].every((key) => there.has(key)))
    return selection
  const keys = [...selection.keys].filter((key) => there.has(key))
  const cursor =
    selection.cursor !== null && there.has(selection.cursor) ? selection.cursor : (keys[0] ?? fields[0]?.key ?? null)
  return { cursor, anchor: cursor, keys: new Set(keys.length > 0 ? keys : cursor === null ? [] : [cursor]) }
}
