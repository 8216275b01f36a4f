import { expect, it } from 'vitest'
import { fromJson } from './document'
import { apply } from './edit'
import { afterRemoval, goBy, goTo, moveTarget, NO_SELECTION, only, stillThere, toggle } from './selection'

const doctype = fromJson({ fields: ['a', 'b', 'c', 'd'].map((fieldname) => ({ fieldname })) })
const { fields } = doctype
const key = (name: string) => fields.find((field) => field.values['fieldname'] === name)!.key
const marked = (selection: typeof NO_SELECTION, of = fields) =>
  of
    .filter((field) => selection.keys.has(field.key))
    .map((field) => field.values['fieldname'])
    .join('')

it('begins at either end', () => {
  expect(goBy(NO_SELECTION, fields, 1, false).cursor).toBe(key('a'))
  expect(goBy(NO_SELECTION, fields, -1, false).cursor).toBe(key('d'))
  expect(goBy(NO_SELECTION, [], 1, false)).toEqual(NO_SELECTION)
})

it('stays within the list', () => {
  expect(goBy(only(key('c')), fields, 10, false).cursor).toBe(key('d'))
  expect(goBy(only(key('c')), fields, -10, false).cursor).toBe(key('a'))
})

it('grows and shrinks from where it began', () => {
  const down = goBy(goBy(only(key('b')), fields, 1, true), fields, 1, true)
  expect(marked(down)).toBe('bcd')
  expect(marked(goBy(down, fields, -1, true))).toBe('bc')
  expect(marked(goTo(down, fields, 0, true))).toBe('ab')
})

it('marks one more and one less', () => {
  expect(marked(toggle(only(key('a')), key('c')))).toBe('ac')
  expect(marked(toggle(toggle(only(key('a')), key('c')), key('a')))).toBe('c')
})

it('goes to the next when the marked ones are removed', () => {
  expect(afterRemoval(goBy(only(key('b')), fields, 1, true), fields).cursor).toBe(key('d'))
  expect(afterRemoval(only(key('d')), fields).cursor).toBe(key('c'))
  expect(afterRemoval(goTo(only(key('a')), fields, 3, true), fields).cursor).toBeNull()
})

it('moves marked fields by one line, and not beyond the ends', () => {
  const move = (names: string[], by: -1 | 1) => {
    const selection = { ...only(key(names[0]!)), keys: new Set(names.map(key)) }
    const to = moveTarget(selection, fields, by)
    if (to === null) return null
    return apply(doctype, { kind: 'move', keys: selection.keys, to })
      .fields.map((field) => field.values['fieldname'])
      .join('')
  }
  expect(move(['b'], -1)).toBe('bacd')
  expect(move(['b', 'c'], 1)).toBe('adbc')
  expect(move(['a'], -1)).toBeNull()
  expect(move(['d'], 1)).toBeNull()
})

it('forgets fields that an undo took away', () => {
  const rest = fields.slice(0, 2)
  expect(stillThere(only(key('d')), rest).cursor).toBe(key('a'))
  expect(stillThere(only(key('b')), rest)).toEqual(only(key('b')))
  expect(stillThere(only(key('b')), [])).toEqual(NO_SELECTION)
})
