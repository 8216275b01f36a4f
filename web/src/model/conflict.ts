import { type DocType, fieldname, type Json, sameJson, type Values } from './document'

/** One thing that differs between what was read, what is edited and what is on disk. */
export interface Difference {
  /** Field it is about; null for a property of the DocType. */
  readonly field: string | null
  /** Property, or a word for the whole field: `added`, `removed`, `order`. */
  readonly what: string
  readonly mine: Json | undefined
  readonly disk: Json | undefined
  /** Who changed it since it was read. */
  readonly by: 'me' | 'disk' | 'both'
}

type Rows = ReadonlyMap<string, Values>

function rows(doctype: DocType): Rows {
  return new Map(doctype.fields.map((field) => [fieldname(field), field.values]))
}

function judge(base: Json | undefined, mine: Json | undefined, disk: Json | undefined): Difference['by'] | null {
  if (sameJson(mine, disk)) return null
  if (sameJson(base, mine)) return 'disk'
  return sameJson(base, disk) ? 'me' : 'both'
}

/** Keys that Frappe sets by itself with every export. */
const OF_EXPORT = new Set(['modified', 'modified_by', 'idx'])

function properties(field: string | null, base: Values, mine: Values, disk: Values): Difference[] {
  const names = new Set([...Object.keys(base), ...Object.keys(mine), ...Object.keys(disk)])
  return [...names]
    .filter((name) => !OF_EXPORT.has(name))
    .flatMap((what) => {
      const by = judge(base[what], mine[what], disk[what])
      return by === null ? [] : [{ field, what, mine: mine[what], disk: disk[what], by }]
    })
}

/** Every difference between the edited DocType and the one on disk, with who made it. */
export function differences(base: DocType, mine: DocType, disk: DocType): Difference[] {
  const [inBase, inMine, onDisk] = [rows(base), rows(mine), rows(disk)]
  const found = properties(null, base.values, mine.values, disk.values)
  for (const name of new Set([...inMine.keys(), ...onDisk.keys()])) {
    const [was, here, there] = [inBase.get(name), inMine.get(name), onDisk.get(name)]
    if (here !== undefined && there !== undefined) found.push(...properties(name, was ?? {}, here, there))
    else if (here !== undefined)
      found.push({
        field: name,
        what: was === undefined ? 'added' : 'removed',
        mine: here,
        disk: undefined,
        by: was === undefined ? 'me' : sameJson(was, here) ? 'disk' : 'both',
      })
    else if (there !== undefined)
      found.push({
        field: name,
        what: was === undefined ? 'added' : 'removed',
        mine: undefined,
        disk: there,
        by: was === undefined ? 'disk' : sameJson(was, there) ? 'me' : 'both',
      })
  }
  const order = (of: DocType, other: Rows) =>
    of.fields
      .map(fieldname)
      .filter((name) => other.has(name))
      .join('\n')
  if (order(mine, onDisk) !== order(disk, inMine)) {
    const moved = (of: DocType, names: Rows) => order(of, inBase) !== order(base, names)
    const [byMe, byDisk] = [moved(mine, inMine), moved(disk, onDisk)]
    found.push({
      field: null,
      what: 'order',
      mine: undefined,
      disk: undefined,
      by: byMe && byDisk ? 'both' : byMe ? 'me' : 'disk',
    })
  }
  return found
}

/**
 * The edited DocType with what was changed on disk taken in; null if one thing was changed on both sides, so that
 * somebody has to choose. Fields that came on disk stand behind the field that they follow there.
 */
export function merge(base: DocType, mine: DocType, disk: DocType): DocType | null {
  const all = differences(base, mine, disk)
  if (all.some(({ by }) => by === 'both')) return null
  const theirs = all.filter(({ by }) => by === 'disk')
  const set = (values: Values, field: string | null): Values => {
    const next: Record<string, Json> = { ...values }
    for (const { what, disk: value } of theirs.filter((one) => one.field === field && one.what !== 'order')) {
      if (value === undefined) delete next[what]
      else next[what] = value
    }
    return next
  }
  const onDisk = new Map(disk.fields.map((field) => [fieldname(field), field]))
  const gone = new Set(
    theirs.filter(({ what, field }) => field !== null && what === 'removed').map(({ field }) => field),
  )
  const came = new Set(theirs.filter(({ what, field }) => field !== null && what === 'added').map(({ field }) => field))
  let fields = mine.fields
    .filter((field) => !gone.has(fieldname(field)))
    .map((field) => (onDisk.has(fieldname(field)) ? { ...field, values: set(field.values, fieldname(field)) } : field))
  if (theirs.some(({ what, field }) => what === 'order' && field === null)) {
    const place = new Map(disk.fields.map((field, index) => [fieldname(field), index]))
    const known = fields
      .filter((field) => place.has(fieldname(field)))
      .sort((a, b) => (place.get(fieldname(a)) ?? 0) - (place.get(fieldname(b)) ?? 0))
    fields = fields.map((field) => (place.has(fieldname(field)) ? (known.shift() ?? field) : field))
  }
  for (const [index, field] of disk.fields.entries()) {
    if (!came.has(fieldname(field))) continue
    const before = disk.fields[index - 1]
    const at = before === undefined ? 0 : fields.findIndex((other) => fieldname(other) === fieldname(before)) + 1
    fields = [
      ...fields.slice(0, at === 0 && index > 0 ? fields.length : at),
      field,
      ...fields.slice(at === 0 && index > 0 ? fields.length : at),
    ]
  }
  return { values: set(mine.values, null), fields }
}
