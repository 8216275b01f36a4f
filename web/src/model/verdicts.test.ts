import { expect, it } from 'vitest'
import { usualWords, worstByField } from './verdicts'

const change = (field: string | null, verdict: string, doctype = 'Thing') => ({ doctype, field, verdict })

it('gives each field the worst of its verdicts', () => {
  const worst = worstByField(
    [
      change('email', 'Additive'),
      change('email', 'Neutral'),
      change('limit', 'Neutral'),
      change('limit', 'Mapped'),
      change(null, 'Blocking'),
      change('email', 'Blocking', 'Other'),
      change('new', 'Unheard of'),
      change('new', 'Blocking'),
    ],
    (doctype) => doctype === 'Thing',
  )
  expect([...worst]).toEqual([
    ['email', 'Additive'],
    ['limit', 'Mapped'],
    ['new', 'Unheard of'],
  ])
})

it('says how long writes wait, where the rows are known', () => {
  const copy = { usual: 'It copies the table.', blocked_seconds: 12, rows: 1_234_567 }
  expect(usualWords(copy)).toBe('It copies the table. Writes wait for about 12 s for 1,234,567 rows.')
  expect(usualWords({ ...copy, usual: '', rows: null })).toBe('Writes wait for about 12 s.')
  expect(usualWords({ ...copy, blocked_seconds: 0 })).toBe('It copies the table.')
  expect(usualWords({ usual: 'Nothing.' })).toBe('Nothing.')
})
