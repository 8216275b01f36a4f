import { type DocType, type Field, type Json, type Values, fieldname, newKey } from './document'

/** One change of a DocType. An undefined value takes the key out of the file. */
export type Edit =
  | { kind: 'property'; name: string; value: Json | undefined }
  | { kind: 'field'; key: number; name: string; value: Json | undefined }
  | { kind: 'add'; at: number; fields: readonly Field[] }
  | { kind: 'remove'; keys: ReadonlySet<number> }
  | { kind: 'move'; keys: ReadonlySet<number>; to: number }

/** `values` with one key set, at its place or at the end, or taken out. The same object if nothing changes. */
export function withValue(values: Values, name: string, value: Json | undefined): Values {
  if (value === undefined) {
    if (!Object.hasOwn(values, name)) return values
    return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name))
  }
  if (Object.hasOwn(values, name) && values[name] === value) return values
  return { ...values, [name]: value }
}

/** The DocType after an edit. The argument stays as it is; what the edit does not touch is shared. */
export function apply(doctype: DocType, edit: Edit): DocType {
  switch (edit.kind) {
    case 'property': {
      const values = withValue(doctype.values, edit.name, edit.value)
      return values === doctype.values ? doctype : { ...doctype, values }
    }
    case 'field':
      return withField(doctype, edit.key, (values) => withValue(values, edit.name, edit.value))
    case 'add':
      return {
        ...doctype,
        fields: [...doctype.fields.slice(0, edit.at), ...edit.fields, ...doctype.fields.slice(edit.at)],
      }
    case 'remove': {
      const fields = doctype.fields.filter((field) => !edit.keys.has(field.key))
      return fields.length === doctype.fields.length ? doctype : { ...doctype, fields }
    }
    case 'move':
      return move(doctype, edit.keys, edit.to)
  }
}

function withField(doctype: DocType, key: number, change: (values: Values) => Values): DocType {
  const field = doctype.fields.find((field) => field.key === key)
  if (field === undefined) return doctype
  const values = change(field.values)
  if (values === field.values) return doctype
  return { ...doctype, fields: doctype.fields.map((other) => (other === field ? { ...field, values } : other)) }
}

/** Puts the fields with `keys`, in their order, before the field that is at `to` now (its length: at the end). */
function move(doctype: DocType, keys: ReadonlySet<number>, to: number): DocType {
  const moved = doctype.fields.filter((field) => keys.has(field.key))
  const before = doctype.fields.slice(0, to).filter((field) => !keys.has(field.key))
  const after = doctype.fields.slice(to).filter((field) => !keys.has(field.key))
  const fields = [...before, ...moved, ...after]
  return fields.every((field, i) => field === doctype.fields[i]) ? doctype : { ...doctype, fields }
}

/** The fieldname that Frappe's desk makes of a label. */
export function scrub(label: string): string {
  return label
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
    .replace(/[^\p{L}\p{N}_]/gu, '')
}

/** `wanted`, or the first of `wanted_1`, `wanted_2` ... that no field of the DocType has. */
export function freeFieldname(doctype: DocType, wanted: string): string {
  const taken = new Set(doctype.fields.map(fieldname))
  if (!taken.has(wanted)) return wanted
  let count = 1
  while (taken.has(`${wanted}_${count}`)) count += 1
  return `${wanted}_${count}`
}

/** A field that is not in the file yet. */
export function newField(doctype: DocType, type: string, label: string): Field {
  const wanted = scrub(label) || scrub(type)
  const values: Record<string, Json> = { fieldname: freeFieldname(doctype, wanted), fieldtype: type }
  if (label !== '') values['label'] = label
  return { key: newKey(), origin: null, values }
}

/** A copy of a field, under a name of its own. */
export function copyField(doctype: DocType, field: Field): Field {
  return {
    key: newKey(),
    origin: null,
    values: { ...field.values, fieldname: freeFieldname(doctype, fieldname(field)) },
  }
}
