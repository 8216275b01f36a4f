import { describe, expect, it } from 'vitest'
import { begin, everywhere, record, redo, shortened, undo } from './history'

describe('a history', () => {
  it('goes back and forth', () => {
    const two = record(record(begin('a'), 'b'), 'c')
    expect(undo(undo(two)).present).toBe('a')
    expect(redo(undo(two)).present).toBe('c')
    expect(redo(two)).toBe(two)
    expect(undo(begin('a')).present).toBe('a')
  })

  it('makes one step of what is typed into one place', () => {
    const typed = record(record(record(begin(''), 'x', 'label'), 'xy', 'label'), 'xy!', 'options')
    expect(undo(typed).present).toBe('xy')
    expect(undo(undo(typed)).present).toBe('')
  })

  it('begins a step of its own after an undo', () => {
    const back = undo(record(record(begin('a'), 'b', 'label'), 'c'))
    expect(undo(record(back, 'd', 'label')).present).toBe('b')
  })

  it('forgets what was undone when something else is done', () => {
    const other = record(undo(record(begin('a'), 'b')), 'c')
    expect(redo(other).present).toBe('c')
  })

  it('loses what leaves it, with the steps that were about nothing else', () => {
    const states = ['a', 'a1', 'a1b', 'a2b', 'a2bc'].reduce((history, state) => record(history, state), begin(''))
    const back = undo(undo(states))
    const without = shortened(
      everywhere(back, (state) => state.replace(/[a-z]\d|^a/, '')),
      (a, b) => a === b,
    )
    expect([without.past, without.present, without.future]).toEqual([[''], 'b', ['bc']])
  })

  it('does not record nothing', () => {
    const one = record(begin('a'), 'b')
    expect(record(one, 'b')).toBe(one)
  })
})
