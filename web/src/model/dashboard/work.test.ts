import { expect, test } from 'vitest'
import { amount, doing, place } from './work'

test('a Job says where it works, at what, and how much of it is done', () => {
  expect([place(''), place('erp.example.com')]).toEqual(['the whole bench', 'erp.example.com'])
  expect([doing('expand', ''), doing('verify', 'verify'), doing('expand', 'steps')]).toEqual([
    'expand',
    'verify',
    'expand: steps',
  ])
  const counts = [{}, { done: null, total: 9 }, { done: 1200, total: 0 }, { done: 1200, total: 9000 }]
  expect(counts.map(amount)).toEqual(['', '', '1,200', '1,200 of 9,000'])
})
