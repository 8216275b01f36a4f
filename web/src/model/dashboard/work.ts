/** The words for what a Job does, the same in its row and in its ledger. */
import { printable } from '../printable'

/** The site, or all of them. */
export function place(site: string): string {
  return site === '' ? 'the whole bench' : printable(site)
}

/** What a Job is for, and the part of it unless that is called the same. */
export function doing(step: string, part: string): string {
  return part === '' || part === step ? step : `${step}: ${printable(part)}`
}

/** How much is done, of how much if that is known; empty if it is not told. */
export function amount({ done, total }: { done?: number | null; total?: number | null }): string {
  if (typeof done !== 'number') return ''
  return total ? `${grouped(done)} of ${grouped(total)}` : grouped(done)
}

/** A count with its thousands parted. */
export function grouped(count: number): string {
  return count.toLocaleString('en')
}
