import { expect, it } from 'vitest'
import { type Field, fieldname, fromJson } from './document'
import { layout } from './layout'

const TYPES: Record<string, string> = { T: 'Tab Break', S: 'Section Break', C: 'Column Break' }
const read = (words: string) =>
  fromJson({
    fields: words
      .split(' ')
      .filter(Boolean)
      .map((name) => ({ fieldname: name, fieldtype: TYPES[name[0]!] ?? 'Data' })),
  }).fields
const head = (field: Field | null) => (field === null ? '' : fieldname(field))
const shown = (words: string) =>
  layout(read(words)).map((tab) => ({
    [head(tab.head)]: tab.sections.map(
      (section) =>
        `${head(section.head)}[${section.columns.map((column) => `${head(column.head)}(${column.fields.map(fieldname).join(' ')})`).join(' ')}]`,
    ),
  }))

it('parts a form as the desk does', () => {
  expect(shown('a b S1 c C1 d T1 e T2 S2 f')).toEqual([
    { '': ['[(a b)]', 'S1[(c) C1(d)]'] },
    { T1: ['[(e)]'] },
    { T2: ['S2[(f)]'] },
  ])
})

it('has no tab before the first if nothing stands there', () => {
  expect(shown('T1 a')).toEqual([{ T1: ['[(a)]'] }])
  expect(shown('S1 a')).toEqual([{ '': ['S1[(a)]'] }])
})

it('has one place to drop into when there is nothing', () => {
  expect(shown('')).toEqual([{ '': ['[()]'] }])
  expect(shown('T1')).toEqual([{ T1: ['[()]'] }])
})

it('knows where a field at the bottom of a column goes', () => {
  const [tab] = layout(read('a S1 b C1 c'))
  expect(tab!.sections.flatMap((section) => section.columns.map(({ end }) => end))).toEqual([1, 3, 5])
  const [empty] = layout(read('S1 C1 a'))
  expect(empty!.sections[0]!.columns.map(({ end }) => end)).toEqual([1, 3])
})
