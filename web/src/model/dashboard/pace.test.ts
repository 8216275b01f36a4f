import { expect, test } from 'vitest'
import type { Work } from '../../api/schema'
import { left, paced, type Paces, rate, workKey } from './pace'

const work = (done: number, more: Partial<Work> = {}): Work => ({
  site: 'erp.example.com',
  step: 'expand',
  state: 'Running',
  part: 'backfill',
  done,
  total: 9000,
  message: '',
  ledger: [],
  ...more,
})
const NONE: Paces = new Map()

test('the rate is what was done in the time, and says how long the rest takes', () => {
  const paces = paced(paced(NONE, [work(1000)], 0), [work(3000)], 4000)
  const perSecond = rate(paces.get(workKey(work(0))), 4000)
  expect(perSecond).toBe(500)
  expect(left(work(3000), perSecond)).toBe(12)
})

test('nobody can say a rate from one look, without a total, or of what is over', () => {
  const paces = paced(NONE, [work(1000)], 0)
  expect(rate(paces.get(workKey(work(0))), 9000)).toBeNull()
  expect(left(work(3000, { total: 0 }), 10)).toBeNull()
  expect(paced(paces, [work(9000, { state: 'Succeeded' })], 1).size).toBe(0)
})

test('another part, or a count that begins anew, is another pace', () => {
  const paces = paced(NONE, [work(1000)], 0)
  expect(paced(paces, [work(5)], 1000).get(workKey(work(0)))).toEqual([{ at: 1000, done: 5 }])
  expect(paced(paces, [work(1200, { part: 'verify' })], 1000).get(workKey(work(0)))).toBeUndefined()
})

test('what stands still gets slower', () => {
  const paces = paced(paced(NONE, [work(0)], 0), [work(100)], 1000)
  expect(rate(paces.get(workKey(work(0))), 1000)).toBe(100)
  expect(rate(paces.get(workKey(work(0))), 10_000)).toBe(10)
})
