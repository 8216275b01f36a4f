import { expect, it } from 'vitest'
import { globalCommand, type Key, listCommand } from './keys'

const press = (keys: string): Key => {
  const parts = keys.split('+')
  return {
    key: parts.at(-1)!,
    ctrlKey: parts.includes('Ctrl'),
    metaKey: parts.includes('Meta'),
    shiftKey: parts.includes('Shift'),
    altKey: parts.includes('Alt'),
  }
}

it.each([
  ['Ctrl+s', 'save'],
  ['Meta+S', 'save'],
  ['Ctrl+z', 'undo'],
  ['Ctrl+Shift+Z', 'redo'],
  ['Ctrl+y', 'redo'],
  ['Ctrl+k', 'search'],
  ['Alt+w', 'close-tab'],
  ['Alt+PageDown', 'next-tab'],
  ['Ctrl+c', null],
  ['Ctrl+Alt+s', null],
])('%s is %s, while typing too', (keys, command) => {
  expect(globalCommand(press(keys), false)).toBe(command)
  expect(globalCommand(press(keys), true)).toBe(command)
})

it('leaves letters to who is typing', () => {
  expect(globalCommand(press('/'), false)).toBe('search')
  expect(globalCommand(press('/'), true)).toBeNull()
  expect(globalCommand(press('?'), true)).toBeNull()
})

it.each([
  ['ArrowDown', { do: 'go', by: 1, extend: false }],
  ['Shift+PageUp', { do: 'go', by: -10, extend: true }],
  ['Shift+End', { do: 'end', last: true, extend: true }],
  ['Alt+ArrowUp', { do: 'move', by: -1 }],
  ['Enter', { do: 'edit' }],
  ['F2', { do: 'rename' }],
  ['Delete', { do: 'remove' }],
  ['Ctrl+d', { do: 'duplicate' }],
  ['x', null],
  ['Alt+Enter', null],
])('%s in the list is %j', (keys, command) => expect(listCommand(press(keys))).toEqual(command))
