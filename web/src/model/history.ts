/** What can be undone. States are immutable: a history keeps them, not the way between them. */
export interface History<T> {
  readonly past: readonly T[]
  readonly present: T
  readonly future: readonly T[]
  /** What the last change was about; a change about the same thing joins it, so that a word is one undo. */
  readonly about: string | null
}

/** More than anybody undoes; structural sharing keeps each state small. */
const LIMIT = 1000

/** A history with nothing to undo. */
export function begin<T>(present: T): History<T> {
  return { past: [], present, future: [], about: null }
}

/** Every state as `change` makes it: for what happens beside the history, and is no step of it. */
export function everywhere<T>(history: History<T>, change: (state: T) => T): History<T> {
  const { past, present, future, about } = history
  return { past: past.map(change), present: change(present), future: future.map(change), about }
}

/** The history without steps that lead nowhere, as `isSame` says: those of what is no part of it any more. */
export function shortened<T>(history: History<T>, isSame: (a: T, b: T) => boolean): History<T> {
  const { past, present, future } = history
  const before = past.filter((state, at) => !isSame(state, past[at + 1] ?? present))
  const after = future.filter((state, at) => !isSame(state, future[at - 1] ?? present))
  return { ...history, past: before, future: after }
}

/** Goes on to `next`. With `about` equal to that of the change before, both are undone together. */
export function record<T>(history: History<T>, next: T, about: string | null = null): History<T> {
  if (next === history.present) return history
  const joins = about !== null && about === history.about && history.past.length > 0
  const past = joins ? history.past : [...history.past, history.present].slice(-LIMIT)
  return { past, present: next, future: [], about }
}

/** One step back; the same history if there is none. */
export function undo<T>(history: History<T>): History<T> {
  const present = history.past.at(-1)
  if (present === undefined) return history
  return { past: history.past.slice(0, -1), present, future: [history.present, ...history.future], about: null }
}

/** One step forth again; the same history if there is none. */
export function redo<T>(history: History<T>): History<T> {
  const [present, ...future] = history.future
  if (present === undefined) return history
  return { past: [...history.past, history.present], present, future, about: null }
}
