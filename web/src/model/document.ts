/** A value of a DocType's JSON file. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** The keys of one JSON object in the order of the file. */
export type Values = Readonly<Record<string, Json>>

/** A DocField. `key` names it for the time of the session, whatever its fieldname becomes. */
export interface Field {
  readonly key: number
  /** The fieldname in the file when it was read; null for one that is not in the file. */
  readonly origin: string | null
  readonly values: Values
}

/** A DocType as it is edited: its fields in the order in which the desk shows them. */
export interface DocType {
  readonly values: Values
  readonly fields: readonly Field[]
}

let lastKey = 0

/** A key that no other field of this session has. */
export function newKey(): number {
  lastKey += 1
  return lastKey
}

/** Whether a value of JSON is an object. */
export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A string of a JSON object, '' for what is not one: files are hostile. */
export function text(values: Values, name: string): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** A check of a JSON object, as Frappe reads it: 1 is set. */
export function flag(values: Values, name: string): boolean {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  return value === 1 || value === true || value === '1'
}

/** The name of a field, '' for one without. */
export function fieldname(field: Field): string {
  return text(field.values, 'fieldname')
}

/** The type of a field. */
export function fieldtype(field: Field): string {
  return text(field.values, 'fieldtype')
}

/**
 * Reads a DocType's JSON. Frappe keeps `fields` as they were added and tells the order in `field_order`;
 * fields that it does not list follow at the end, as in the desk.
 */
export function fromJson(json: Values, origins = true): DocType {
  const { fields, field_order: order, ...values } = json as Record<string, Json>
  const rows = (Array.isArray(fields) ? fields : []).filter(isObject)
  const read = rows.map((row): Field => {
    const name = text(row, 'fieldname')
    return { key: newKey(), origin: origins && name !== '' ? name : null, values: row }
  })
  if (!Array.isArray(order)) return { values, fields: read }
  const place = new Map(order.map((name, index) => [name, index]))
  const at = (field: Field) => place.get(fieldname(field)) ?? Number.MAX_SAFE_INTEGER
  return { values, fields: [...read].sort((a, b) => at(a) - at(b)) }
}

/** The JSON of a DocType, `fields` and `field_order` in the order in which it is shown. */
export function toJson(doctype: DocType): Record<string, Json> {
  return {
    ...doctype.values,
    field_order: doctype.fields.map(fieldname),
    fields: doctype.fields.map((field) => ({ ...field.values })),
  }
}

/** Whether two values of JSON say the same, the order of keys aside. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, i) => sameJson(value, b[i]))
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  )
}

/** Whether two DocTypes would be the same file. Fields that both share are not looked into: 10,000 cost nothing. */
export function sameDocType(a: DocType, b: DocType): boolean {
  if (a === b) return true
  if (a.values !== b.values && !sameJson(a.values as Json, b.values as Json)) return false
  if (a.fields === b.fields) return true
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => {
      const other = b.fields[i]
      return (
        other !== undefined && (field.values === other.values || sameJson(field.values as Json, other.values as Json))
      )
    })
  )
}
