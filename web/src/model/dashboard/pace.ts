import type { Work } from '../../api/schema'

/** How far something was at an instant (ms). */
export interface Mark {
  readonly at: number
  readonly done: number
}

/** Marks of each work by its key, kept in the page: the server tells only where it is now. */
export type Paces = ReadonlyMap<string, readonly Mark[]>

/** The rate is that of the last so many milliseconds. */
const WINDOW = 60_000

/** What makes a work another one: its marks begin anew. */
export function workKey({ site, step, part }: Work): string {
  return JSON.stringify([site, step, part])
}

/** The marks after what was seen now; those of works that are over are forgotten. */
export function paced(before: Paces, works: readonly Work[], at: number): Paces {
  const after = new Map<string, readonly Mark[]>()
  for (const work of works) {
    if (work.state !== 'Running' || work.done === null || work.done === undefined) continue
    const { done } = work
    const key = workKey(work)
    const known = before.get(key) ?? []
    const last = known.at(-1)
    const kept = last !== undefined && done < last.done ? [] : known.filter((mark) => at - mark.at <= WINDOW)
    after.set(key, last?.done === done && kept.length > 0 ? kept : [...kept, { at, done }])
  }
  return after
}

/** Steps or rows a second, null as long as nobody can say. */
export function rate(marks: readonly Mark[] | undefined, now: number): number | null {
  const first = marks?.[0]
  const last = marks?.at(-1)
  if (first === undefined || last === undefined || last.done === first.done) return null
  // What stands still gets slower, not gone.
  return ((last.done - first.done) / (Math.max(now, last.at) - first.at)) * 1000
}

/** Seconds left at a rate, null if nobody can say. */
export function left({ done, total }: Work, perSecond: number | null): number | null {
  if (perSecond === null || perSecond <= 0 || !total || done === null || done === undefined) return null
  return Math.max(0, total - done) / perSecond
}
