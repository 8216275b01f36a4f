import { expect, it } from 'vitest'
import { worstByField } from './verdicts'

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
