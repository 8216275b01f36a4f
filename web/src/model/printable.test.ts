import { expect, it } from 'vitest'
import { printable } from './printable'

it.each([
  ['Sales Invoice', 'Sales Invoice'],
  ['Größe 名前 👍', 'Größe 名前 👍'],
  ['\u202Eevil', '\\u{202e}evil'],
  ['a\u0000b\nc', 'a\\u{0}b\\u{a}c'],
  ['zero\u200Bwidth', 'zero\\u{200b}width'],
  ['<img src=x>', '<img src=x>'],
])('%j is shown as %j', (name, shown) => expect(printable(name)).toBe(shown))
