const LAYOUT = new Set(['Tab Break', 'Section Break', 'Column Break', 'Fold'])
const NO_VALUE = new Set([...LAYOUT, 'Heading', 'HTML', 'Button', 'Image'])
const TABLES = new Set(['Table', 'Table MultiSelect'])
const LENGTHS = new Set([
  'Autocomplete',
  'Attach',
  'Attach Image',
  'Barcode',
  'Code',
  'Color',
  'Data',
  'Dynamic Link',
  'Icon',
  'Int',
  'Link',
  'Password',
  'Phone',
  'Read Only',
  'Select',
  'Small Text',
])

/** How a row of the list looks. */
export type RowKind = 'tab' | 'section' | 'column' | 'field'

/** What a field is in the layout of a form. */
export function rowKind(type: string): RowKind {
  if (type === 'Tab Break') return 'tab'
  if (type === 'Section Break' || type === 'Fold') return 'section'
  return type === 'Column Break' ? 'column' : 'field'
}

/** Whether it parts the form and holds nothing. */
export const isLayout = (type: string): boolean => LAYOUT.has(type)
/** Whether it has a column in the table. */
export const hasColumn = (type: string): boolean => !NO_VALUE.has(type) && !TABLES.has(type)
/** Whether its options name a child DocType. */
export const isTable = (type: string): boolean => TABLES.has(type)
/** Whether Frappe reads its `length`. */
export const hasLength = (type: string): boolean => LENGTHS.has(type)
/** Whether its options name a DocType. */
export const linksDocType = (type: string): boolean => type === 'Link' || TABLES.has(type)

/** What the options of a field mean, in the desk's words; null where Frappe does not read them. */
export function optionsLabel(type: string): string | null {
  if (type === 'Link') return 'Links to DocType'
  if (TABLES.has(type)) return 'Child DocType'
  if (type === 'Select' || type === 'Autocomplete') return 'Options, one a line'
  if (type === 'Dynamic Link') return 'Field that holds the DocType'
  if (type === 'Currency' || type === 'Float') return 'Field or DocType:field that holds the currency'
  if (type === 'Data') return 'Kind (Email, Phone, URL, Name, Barcode, IBAN)'
  if (type === 'Code') return 'Language'
  if (type === 'HTML') return 'HTML'
  if (type === 'Image') return 'Field that holds the image'
  if (type === 'Rating') return 'Stars'
  if (type === 'Button') return 'Method'
  if (type === 'Small Text' || type === 'Read Only' || type === 'Text') return 'Options'
  return type === 'Percent' || type === 'Int' ? null : 'Options'
}
