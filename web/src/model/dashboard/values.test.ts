import { expect, test } from 'vitest'
import type { AnalysisView, Measurement, Release } from '../../api/schema'
import { analysisKey, curve, measured, numberOf } from './values'
import fixtures from './releases.json'

const releases = fixtures as unknown as Record<string, Release>
const one = (number: number, value: string): Measurement => ({
  number,
  value,
  at: '2026-01-05T09:00:00Z',
  outcome: 'Passed',
})

function run(): AnalysisView {
  const found = releases['analysis_inconclusive']?.analyses[0]
  if (found === undefined) throw new Error('the fixtures have no analysis')
  return found
}

test('what the operator writes of an analysis is read', () => {
  expect(run().name).toBe('errors')
  expect(curve(run().measurements).points.length).toBe(run().measurements.length)
})

test('values that the status has let go are kept', () => {
  const first = measured(new Map(), [{ ...run(), measurements: [one(1, '1'), one(2, '2')] }])
  const then = measured(first, [{ ...run(), measurements: [one(2, '2'), one(3, '3')] }])
  expect(then.get(analysisKey(run()))?.map(({ value }) => value)).toEqual(['1', '2', '3'])
  expect(measured(then, [{ ...run(), since: '2027-01-01T00:00:00Z' }]).has(analysisKey(run()))).toBe(false)
})

test('a value is the number that it begins with', () => {
  expect(['0.25', '7.5 % of 4', '-1e-3', 'no data', ''].map(numberOf)).toEqual([0.25, 7.5, -0.001, null, null])
})

test('a curve begins at zero, and what is no number leaves a gap', () => {
  const { points, greatest } = curve([one(1, '2'), one(2, 'no data'), one(3, '4')])
  expect(greatest).toBe(4)
  expect(points.map(({ x, y }) => [x, y])).toEqual([
    [0, 0.5],
    [1, 1],
  ])
  expect(curve([]).points).toEqual([])
})
