import { expect, it } from 'vitest'
import { doctypeNameProblem, fieldnameProblem } from './names'

const taken = new Set(['Item', 'item_code'])

it.each(['Sales Invoice', 'GL Entry', 'A-B_c 1', 'x'.repeat(61)])('takes %j for a DocType', (name) => {
  expect(doctypeNameProblem(name, taken)).toBe('')
})
it.each(['Item', '1st', '', '<img>', 'a/../b', 'x'.repeat(62), 'tab`'])('refuses %j for a DocType', (name) => {
  expect(doctypeNameProblem(name, taken)).not.toBe('')
})
it.each(['a', '_x', 'item_code_2'])('takes %j for a field', (name) => expect(fieldnameProblem(name, taken)).toBe(''))
it.each(['item_code', '2a', 'Größe', 'a b', 'a`', '', 'x'.repeat(65)])('refuses %j for a field', (name) => {
  expect(fieldnameProblem(name, taken)).not.toBe('')
})
