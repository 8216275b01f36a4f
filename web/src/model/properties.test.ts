import { describe, expect, it } from 'vitest'
import { DOCTYPE_PROPERTIES, fieldProperties } from './properties'

const names = (type: string) => fieldProperties(type).flatMap(({ properties }) => properties.map(({ name }) => name))

describe('the properties', () => {
  it.each(['Data', 'Select', 'Link', 'Table', 'Currency', 'Duration', 'Tab Break', 'Section Break', 'Column Break'])(
    'of a %s stand once each',
    (type) => expect(names(type).sort()).toEqual([...new Set(names(type))].sort()),
  )

  it('are those that the type has in the desk', () => {
    expect(names('Link')).toContain('link_filters')
    expect(names('Data')).not.toContain('link_filters')
    expect(names('Select')).toContain('sort_options')
    expect(names('Table')).toContain('allow_bulk_edit')
    expect(names('Duration')).toEqual(expect.arrayContaining(['hide_days', 'hide_seconds']))
    expect(names('Tab Break')).toContain('show_dashboard')
  })

  it('of a DocType stand once each', () => {
    const all = DOCTYPE_PROPERTIES.flatMap(({ properties }) => properties.map(({ name }) => name))
    expect(all.sort()).toEqual([...new Set(all)].sort())
    expect(all).toEqual(expect.arrayContaining(['default_view', 'subject_field', 'nsm_parent_field', 'icon']))
  })
})
