import { type Field, fieldtype } from './document'
import { rowKind } from './fieldtypes'

/** A column of a section. `end` is where a field that is dropped at its bottom goes. */
export interface Column {
  /** The Column Break; null for a section's first column. */
  readonly head: Field | null
  readonly fields: readonly Field[]
  readonly end: number
}

/** A section of a tab. */
export interface Section {
  /** The Section Break; null for what stands before the first. */
  readonly head: Field | null
  readonly columns: readonly Column[]
}

/** A tab of a form. */
export interface Tab {
  /** The Tab Break; null for what stands before the first, which the desk calls Details. */
  readonly head: Field | null
  readonly sections: readonly Section[]
}

interface Open {
  head: Field | null
  sections: { head: Field | null; columns: { head: Field | null; fields: Field[]; end: number }[] }[]
}

const column = (head: Field | null, end: number) => ({ head, fields: [], end })
const section = (head: Field | null, end: number) => ({ head, columns: [column(null, end)] })

/** The form that the desk makes of a DocType's fields. */
export function layout(fields: readonly Field[]): Tab[] {
  const tabs: Open[] = [{ head: null, sections: [section(null, 0)] }]
  for (const [index, field] of fields.entries()) {
    const tab = tabs.at(-1)
    const last = tab?.sections.at(-1)
    if (tab === undefined || last === undefined) continue
    const end = index + 1
    switch (rowKind(fieldtype(field))) {
      case 'tab':
        tabs.push({ head: field, sections: [section(null, end)] })
        break
      case 'section':
        tab.sections.push(section(field, end))
        break
      case 'column':
        last.columns.push(column(field, end))
        break
      case 'field': {
        const into = last.columns.at(-1)
        into?.fields.push(field)
        if (into !== undefined) into.end = end
      }
    }
  }
  const isEmpty = ({ head, columns }: Section) =>
    head === null && columns.length === 1 && columns[0]?.fields.length === 0
  return tabs
    .map(({ head, sections }) => ({
      head,
      sections: sections.filter((each, index) => index > 0 || !isEmpty(each) || sections.length === 1),
    }))
    .filter(({ head, sections }, index) => index > 0 || tabs.length === 1 || head !== null || !sections.every(isEmpty))
}
