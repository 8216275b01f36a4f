/** What a key does, wherever the focus is. */
export type GlobalCommand =
  | 'save'
  | 'undo'
  | 'redo'
  | 'search'
  | 'help'
  | 'output'
  | 'new'
  | 'close-tab'
  | 'next-tab'
  | 'previous-tab'
  | 'changes'
  | 'fields'

/** What a key does in the list of fields. */
export type ListCommand =
  | { do: 'go'; by: number; extend: boolean }
  | { do: 'end'; last: boolean; extend: boolean }
  | { do: 'move'; by: -1 | 1 }
  | { do: 'add' | 'edit' | 'rename' | 'remove' | 'duplicate' | 'all' | 'type' }

/** The part of a KeyboardEvent that says which key it was. */
export interface Key {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly shiftKey: boolean
  readonly altKey: boolean
}

const PAGE = 10

/** The command of a key, null for one that is left to the browser. `typing`: the focus is in a field that takes text. */
export function globalCommand(event: Key, typing: boolean): GlobalCommand | null {
  const key = event.key.toLowerCase()
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey) return null
    if (key === 's' && !event.shiftKey) return 'save'
    if (key === 'z') return event.shiftKey ? 'redo' : 'undo'
    if (key === 'y') return 'redo'
    if (key === 'k') return 'search'
    return null
  }
  if (event.altKey) {
    switch (key) {
      case 'o':
        return 'output'
      case 'n':
        return 'new'
      case 'w':
        return 'close-tab'
      case 'c':
        return 'changes'
      case 'f':
        return 'fields'
      case 'pagedown':
        return 'next-tab'
      case 'pageup':
        return 'previous-tab'
      default:
        return null
    }
  }
  if (typing) return null
  if (key === '?') return 'help'
  return key === '/' ? 'search' : null
}

/** The command of a key in the list of fields. */
export function listCommand(event: Key): ListCommand | null {
  const { key, shiftKey: extend } = event
  const mod = event.ctrlKey || event.metaKey
  if (event.altKey) {
    if (key === 'ArrowUp') return { do: 'move', by: -1 }
    return key === 'ArrowDown' ? { do: 'move', by: 1 } : null
  }
  if (mod) {
    if (key.toLowerCase() === 'd') return { do: 'duplicate' }
    return key.toLowerCase() === 'a' ? { do: 'all' } : null
  }
  switch (key) {
    case 'ArrowUp':
      return { do: 'go', by: -1, extend }
    case 'ArrowDown':
      return { do: 'go', by: 1, extend }
    case 'PageUp':
      return { do: 'go', by: -PAGE, extend }
    case 'PageDown':
      return { do: 'go', by: PAGE, extend }
    case 'Home':
      return { do: 'end', last: false, extend }
    case 'End':
      return { do: 'end', last: true, extend }
    case 'Enter':
      return { do: 'edit' }
    case 'F2':
      return { do: 'rename' }
    case 'Insert':
    case 'a':
      return { do: 'add' }
    case 't':
      return { do: 'type' }
    case 'Delete':
    case 'Backspace':
      return { do: 'remove' }
    default:
      return null
  }
}

/** The page that tells the keys. */
export const SHORTCUTS: readonly { title: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['Ctrl+S', 'Save'],
      ['Ctrl+Z', 'Undo'],
      ['Ctrl+Shift+Z', 'Redo'],
      ['Ctrl+K or /', 'Search DocTypes'],
      ['Alt+N', 'New DocType'],
      ['Alt+O', 'Output: SQL, plan, Markdown, FrappeRelease'],
      ['Alt+F', 'To the fields'],
      ['Alt+C', 'To the changes'],
      ['Alt+PageUp, Alt+PageDown', 'The tab before, the next tab'],
      ['Alt+W', 'Close the tab'],
      ['?', 'This list'],
    ],
  },
  {
    title: 'In the list of fields',
    keys: [
      ['Up, Down, PageUp, PageDown, Home, End', 'Go to a field; with Shift select several'],
      ['Alt+Up, Alt+Down', 'Move the selected fields'],
      ['A or Insert', 'Add a field below'],
      ['Enter', 'Edit the properties; Escape goes back to the list'],
      ['T', 'Change the type'],
      ['F2', 'Rename'],
      ['Ctrl+D', 'Duplicate'],
      ['Ctrl+A', 'Select all'],
      ['Delete', 'Remove'],
    ],
  },
  {
    title: 'In Permissions, Links, Actions and States',
    keys: [['Alt+Up, Alt+Down', 'Move the row']],
  },
]
