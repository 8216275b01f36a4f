import { describe, expect, it } from 'vitest'
import { differences, merge } from './conflict'
import { fieldname, fromJson, type Json, toJson } from './document'

const base = (): Record<string, Json> => ({
  name: 'Thing',
  autoname: 'hash',
  fields: [
    { fieldname: 'a', label: 'A' },
    { fieldname: 'b', label: 'B' },
    { fieldname: 'c', label: 'C' },
  ],
})
const read = (change: (json: any) => void) => {
  const json = base()
  change(json)
  return fromJson(json)
}
const was = fromJson(base())
const names = (doctype: ReturnType<typeof fromJson> | null) => doctype?.fields.map(fieldname).join('')

describe('a file that changed on disk', () => {
  it('is the same when both did the same', () => {
    const both = (json: any) => void (json.fields[0].label = 'X')
    expect(differences(was, read(both), read(both))).toEqual([])
  })

  it('says who changed what', () => {
    const mine = read((json) => {
      json.fields[0].label = 'mine'
      json.autoname = 'mine'
    })
    const disk = read((json) => {
      json.fields[0].label = 'disk'
      json.fields[1].reqd = 1
      json.fields.push({ fieldname: 'd' })
    })
    expect(differences(was, mine, disk).map(({ field, what, by }) => [field, what, by])).toEqual([
      [null, 'autoname', 'me'],
      ['a', 'label', 'both'],
      ['b', 'reqd', 'disk'],
      ['d', 'added', 'disk'],
    ])
    expect(merge(was, mine, disk)).toBeNull()
  })

  it('takes both in when they touched different things', () => {
    const mine = read((json) => {
      json.fields[0].label = 'mine'
      json.fields.splice(1, 1)
    })
    const disk = read((json) => {
      json.autoname = 'UUID'
      json.fields[2].reqd = 1
      json.fields.splice(1, 0, { fieldname: 'n' })
    })
    const merged = merge(was, mine, disk)!
    expect(names(merged)).toBe('anc')
    expect(toJson(merged)).toMatchObject({ autoname: 'UUID', fields: [{ label: 'mine' }, {}, { label: 'C', reqd: 1 }] })
  })

  it('takes a removal and an order of the disk in', () => {
    const mine = read((json) => void (json.fields[2].label = 'mine'))
    const disk = read((json) => void (json.fields = [json.fields[2], json.fields[0]]))
    expect(names(merge(was, mine, disk))).toBe('ca')
  })

  it('asks when one removed what the other changed', () => {
    const removed = read((json) => void json.fields.splice(0, 1))
    const edited = read((json) => void (json.fields[0].label = 'X'))
    expect(merge(was, removed, edited)).toBeNull()
    expect(merge(was, edited, removed)).toBeNull()
  })

  it('does not ask about when it was exported', () => {
    expect(
      differences(
        was,
        was,
        read((json) => void (json.modified = '2020-01-01')),
      ),
    ).toEqual([])
  })
})
