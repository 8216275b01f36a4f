import { expect, test } from 'vitest'
import { hashOf, placeOf } from './place'

test('a release is found again by its address', () => {
  const place = { namespace: 'shop', name: 'erp' }
  expect(placeOf(hashOf(place))).toEqual(place)
  expect(hashOf(null)).toBe('#/')
})

test('an address that names no release is the list', () => {
  for (const hash of ['', '#', '#/', '#/shop', '#/shop/', '#/a/b/c', '#/%zz/erp'])
    expect(placeOf(hash), hash).toBeNull()
})
