import { expect, test } from 'vitest'
import type { Release } from '../../api/schema'
import { grouped } from './offers'
import fixtures from './releases.json'

const releases = fixtures as unknown as Record<string, Release>

test('every offer of every state stands in one group', () => {
  for (const [state, { offers }] of Object.entries(releases)) {
    expect(grouped(offers).flat().length, state).toBe(offers.length)
  }
})

test('an approval that is waited for is the first button, and the way back the last', () => {
  const groups = grouped(releases['approval_contract']?.offers ?? [])
  expect(groups[0]?.[0]).toMatchObject({ command: 'approve contract', is_awaited: true })
  expect(groups.at(-1)?.map(({ command }) => command)).toEqual(['abort', 'undo'])
})

test('what cannot be said has its reason', () => {
  for (const { offers } of Object.values(releases)) {
    for (const offer of offers) expect(offer.mark === '', offer.command).toBe(typeof offer.reason === 'string')
  }
})
