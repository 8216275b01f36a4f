import { describe, expect, it } from 'vitest'
import { fieldname, fromJson, sameDocType, toJson, type Values } from './document'
import { apply, copyField, newField, scrub } from './edit'

const file: Values & { fields: Record<string, string>[] } = {
  doctype: 'DocType',
  field_order: ['b', 'a'],
  fields: [
    { fieldname: 'a', fieldtype: 'Data' },
    { fieldname: 'b', fieldtype: 'Int', label: 'B' },
    { fieldname: 'unlisted', fieldtype: 'Data' },
  ],
  name: 'Thing',
}
const names = (doctype: ReturnType<typeof fromJson>) => doctype.fields.map(fieldname)
const key = (doctype: ReturnType<typeof fromJson>, name: string) =>
  doctype.fields.find((f) => fieldname(f) === name)!.key

describe('a document', () => {
  it('is shown in the order of field_order, unlisted fields last', () => {
    expect(names(fromJson(file))).toEqual(['b', 'a', 'unlisted'])
  })

  it('goes back to JSON with everything that it had', () => {
    expect(toJson(fromJson(file))).toEqual({
      ...file,
      field_order: ['b', 'a', 'unlisted'],
      fields: [file.fields[1], file.fields[0], file.fields[2]],
    })
  })

  it('survives files that are none', () => {
    const hostile = fromJson({ fields: [null, 'x', { fieldname: 7 }, { fieldname: ['a'] }], field_order: 'no' })
    expect(names(hostile)).toEqual(['7', ''])
    expect(fromJson({}).fields).toEqual([])
    expect(
      fromJson(JSON.parse('{"fields": [{"fieldname": "__proto__", "__proto__": {"label": "x"}}]}')).fields,
    ).toHaveLength(1)
  })
})

describe('an edit', () => {
  it('leaves the document before it as it was', () => {
    const before = fromJson(file)
    const after = apply(before, { kind: 'field', key: key(before, 'b'), name: 'label', value: 'C' })
    expect(before.fields[0]!.values['label']).toBe('B')
    expect(after.fields[0]!.values['label']).toBe('C')
    expect(after.fields[1]).toBe(before.fields[1])
  })

  it('that changes nothing is the same document', () => {
    const before = fromJson(file)
    expect(apply(before, { kind: 'field', key: key(before, 'b'), name: 'label', value: 'B' })).toBe(before)
    expect(apply(before, { kind: 'property', name: 'autoname', value: undefined })).toBe(before)
    expect(apply(before, { kind: 'move', keys: new Set([key(before, 'b')]), to: 0 })).toBe(before)
    expect(apply(before, { kind: 'remove', keys: new Set([-1]) })).toBe(before)
  })

  it('takes a key out of the file when its value is undefined', () => {
    const before = fromJson(file)
    const after = apply(before, { kind: 'field', key: key(before, 'b'), name: 'label', value: undefined })
    expect(Object.keys(after.fields[0]!.values)).toEqual(['fieldname', 'fieldtype'])
  })

  it('moves several fields together, down and up', () => {
    const before = fromJson(file)
    const keys = new Set([key(before, 'b'), key(before, 'a')])
    const down = apply(before, { kind: 'move', keys, to: 3 })
    expect(names(down)).toEqual(['unlisted', 'b', 'a'])
    expect(names(apply(down, { kind: 'move', keys, to: 0 }))).toEqual(['b', 'a', 'unlisted'])
  })

  it('adds under a name that is free', () => {
    const before = fromJson(file)
    const added = apply(before, {
      kind: 'add',
      at: 1,
      fields: [newField(before, 'Data', 'B'), copyField(before, before.fields[1]!)],
    })
    expect(names(added)).toEqual(['b', 'b_1', 'a_1', 'a', 'unlisted'])
    expect(added.fields[1]!.origin).toBeNull()
  })

  it('back to the same values is no change of the file', () => {
    const before = fromJson(file)
    const there = apply(before, { kind: 'property', name: 'autoname', value: 'hash' })
    expect(sameDocType(there, before)).toBe(false)
    expect(sameDocType(apply(there, { kind: 'property', name: 'autoname', value: undefined }), before)).toBe(true)
  })

  it('stays quick with 10,000 fields', () => {
    const big = fromJson({
      fields: Array.from({ length: 10_000 }, (_, i) => ({ fieldname: `f${i}`, fieldtype: 'Data' })),
    })
    const start = performance.now()
    let doctype = big
    for (let i = 0; i < 100; i += 1) {
      doctype = apply(doctype, { kind: 'field', key: big.fields[i * 50]!.key, name: 'label', value: `L${i}` })
      expect(sameDocType(doctype, big)).toBe(false)
    }
    expect((performance.now() - start) / 100).toBeLessThan(16)
  })
})

describe('a fieldname', () => {
  it.each([
    ['Grand Total', 'grand_total'],
    ['  Größe - neu ', 'größe_neu'],
    ['<img src=x>', 'img_srcx'],
    ['%', ''],
  ])('of %j is %j', (label, name) => expect(scrub(label)).toBe(name))
})
