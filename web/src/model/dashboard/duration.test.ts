import { expect, test } from 'vitest'
import { duration, since } from './duration'

test('durations have two units', () => {
  expect([5, 65, 3661, 90_061].map(duration)).toEqual(['5 s', '1 min 5 s', '1 h 1 min', '1 d 1 h'])
})

test('a clock that is behind the cluster shows no negative time', () => {
  const now = Date.parse('2026-01-05T09:00:00Z')
  expect(since('2026-01-05T09:00:09Z', now)).toBe('0 s')
  expect(since('2026-01-05T08:58:55Z', now)).toBe('1 min 5 s')
  expect([since(null, now), since('', now), since('soon', now)]).toEqual(['', '', ''])
})
