import { hasColumn, hasLength, isLayout, isTable, optionsLabel } from './fieldtypes'

/** How a property is edited. */
export type Control = 'text' | 'area' | 'code' | 'int' | 'check' | 'select' | 'doctype' | 'field' | 'role'

/** A property of a DocField or of a DocType, with the label that Frappe's desk gives it. */
export interface Property {
  readonly name: string
  readonly label: string
  readonly control: Control
  readonly choices?: readonly string[]
  readonly hint?: string
}

/** Properties that stand together. */
export interface PropertyGroup {
  readonly title: string
  readonly properties: readonly Property[]
}

/** A property that is a line of text. */
export const text = (name: string, label: string, hint?: string): Property => ({
  name,
  label,
  control: 'text',
  ...(hint === undefined ? {} : { hint }),
})
const code = (name: string, label: string, hint?: string): Property => ({ ...text(name, label, hint), control: 'code' })
/** A property that is a whole number, not below 0. */
export const int = (name: string, label: string): Property => ({ name, label, control: 'int' })
/** A property that is set or not. */
export const check = (name: string, label: string): Property => ({ name, label, control: 'check' })

function optionsControl(type: string): Control {
  if (type === 'Link' || isTable(type)) return 'doctype'
  if (type === 'Dynamic Link' || type === 'Image') return 'field'
  return type === 'Select' || type === 'Autocomplete' || type === 'HTML' || type === 'Small Text' ? 'area' : 'text'
}

/** What can be set on a field of a type, besides label, name and type. */
export function fieldProperties(type: string): PropertyGroup[] {
  if (isLayout(type)) {
    return [
      {
        title: 'Layout',
        properties: [
          text('description', 'Description'),
          ...(type === 'Section Break'
            ? [check('collapsible', 'Collapsible'), check('hide_border', 'Hide Border')]
            : []),
          ...(type === 'Tab Break' ? [check('show_dashboard', 'Show Dashboard')] : []),
          ...(type === 'Column Break' ? [text('width', 'Width')] : []),
          check('hidden', 'Hidden'),
          check('print_hide', 'Print Hide'),
        ],
      },
      {
        title: 'Conditions',
        properties: [
          code('depends_on', 'Display Depends On (JS)'),
          ...(type === 'Section Break' ? [code('collapsible_depends_on', 'Collapsible Depends On (JS)')] : []),
        ],
      },
    ]
  }
  const column = hasColumn(type)
  const options = optionsLabel(type)
  const value: Property[] = [
    ...(options === null ? [] : [{ name: 'options', label: options, control: optionsControl(type) }]),
    ...(column ? [text('default', 'Default')] : []),
    ...(hasLength(type) ? [int('length', 'Length')] : []),
    ...(['Float', 'Currency', 'Percent'].includes(type)
      ? [
          {
            name: 'precision',
            label: 'Precision',
            control: 'select' as const,
            choices: ['', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
          },
        ]
      : []),
    ...(column ? [text('fetch_from', 'Fetch From', 'link_field.fieldname'), text('placeholder', 'Placeholder')] : []),
    ...(type === 'Link' ? [code('link_filters', 'Link Filters', 'JSON')] : []),
    ...(type === 'Select' ? [check('sort_options', 'Sort Options')] : []),
    text('description', 'Description'),
    text('documentation_url', 'Documentation URL'),
  ]
  const rules =
    column || isTable(type)
      ? [
          check('reqd', 'Mandatory'),
          ...(column
            ? [
                check('unique', 'Unique'),
                check('search_index', 'Index'),
                check('not_nullable', 'Not Nullable'),
                check('non_negative', 'Non Negative'),
                check('set_only_once', 'Set only once'),
              ]
            : []),
          check('no_copy', 'No Copy'),
          check('allow_on_submit', 'Allow on Submit'),
          check('is_virtual', 'Virtual'),
          ...(column
            ? [check('ignore_xss_filter', 'Ignore XSS Filter')]
            : [check('allow_bulk_edit', 'Allow Bulk Edit')]),
        ]
      : []
  const view = [
    ...(column
      ? [
          check('in_list_view', 'In List View'),
          check('in_standard_filter', 'In List Filter'),
          check('in_filter', 'In Filter'),
          check('in_global_search', 'In Global Search'),
          check('in_preview', 'In Preview'),
          check('allow_in_quick_entry', 'In Quick Entry'),
          check('bold', 'Bold'),
          check('translatable', 'Translatable'),
          check('fetch_if_empty', 'Fetch on Save if Empty'),
          check('ignore_user_permissions', 'Ignore User Permissions'),
          check('remember_last_selected_value', 'Remember Last Value'),
        ]
      : []),
    check('hidden', 'Hidden'),
    check('read_only', 'Read Only'),
    check('show_on_timeline', 'Show on Timeline'),
    check('print_hide', 'Print Hide'),
    ...(['Int', 'Float', 'Currency', 'Percent'].includes(type)
      ? [check('print_hide_if_no_value', 'Print Hide If No Value')]
      : []),
    check('report_hide', 'Report Hide'),
    ...(type === 'Duration' ? [check('hide_days', 'Hide Days'), check('hide_seconds', 'Hide Seconds')] : []),
  ]
  const sizes = [
    int('columns', 'Columns'),
    text('width', 'Width'),
    text('print_width', 'Print Width'),
    text('max_height', 'Max Height'),
    int('permlevel', 'Perm Level'),
  ]
  return [
    { title: 'Value', properties: value },
    ...(rules.length > 0 ? [{ title: 'Rules', properties: rules }] : []),
    { title: 'View', properties: [...view, ...sizes] },
    {
      title: 'Conditions',
      properties: [
        code('depends_on', 'Display Depends On (JS)'),
        code('mandatory_depends_on', 'Mandatory Depends On (JS)'),
        code('read_only_depends_on', 'Read Only Depends On (JS)'),
      ],
    },
  ]
}

const NAMING_RULES = [
  '',
  'Set by user',
  'Autoincrement',
  'By fieldname',
  'By "Naming Series" field',
  'Expression',
  'Expression (old style)',
  'Random',
  'UUID',
  'By script',
] as const

/** What can be set on a DocType, as the desk's tab Settings shows it. */
export const DOCTYPE_PROPERTIES: readonly PropertyGroup[] = [
  {
    title: 'Kind',
    properties: [
      check('istable', 'Is Child Table'),
      check('issingle', 'Is Single'),
      check('is_tree', 'Is Tree'),
      check('is_submittable', 'Is Submittable'),
      check('is_virtual', 'Is Virtual'),
      check('editable_grid', 'Editable Grid'),
      check('quick_entry', 'Quick Entry'),
      check('is_calendar_and_gantt', 'Is Calendar and Gantt'),
      check('beta', 'Beta'),
    ],
  },
  {
    title: 'Naming',
    properties: [
      { name: 'naming_rule', label: 'Naming Rule', control: 'select', choices: NAMING_RULES },
      text('autoname', 'Auto Name', 'field:fieldname, naming_series:, autoincrement, hash, format:PRE-{####}'),
      check('allow_rename', 'Allow Rename'),
    ],
  },
  {
    title: 'Form',
    properties: [
      { name: 'title_field', label: 'Title Field', control: 'field' },
      text('search_fields', 'Search Fields', 'fieldnames with commas between'),
      { name: 'image_field', label: 'Image Field', control: 'field' },
      { name: 'nsm_parent_field', label: 'Parent Field (Tree)', control: 'field' },
      text('timeline_field', 'Timeline Field'),
      text('max_attachments', 'Max Attachments'),
      { name: 'description', label: 'Description', control: 'area' },
      check('show_title_field_in_link', 'Show Title in Link Fields'),
      check('hide_toolbar', 'Hide Sidebar, Menu, and Comments'),
      check('allow_copy', 'Hide Copy'),
      check('allow_import', 'Allow Import'),
      check('allow_events_in_timeline', 'Allow Events in Timeline'),
      check('make_attachments_public', 'Make Attachments Public'),
      check('translated_doctype', 'Translate Link Fields'),
      check('show_preview_popup', 'Show Preview Popup'),
      check('allow_auto_repeat', 'Allow Auto Repeat'),
      text('default_print_format', 'Default Print Format'),
      text('documentation', 'Documentation Link'),
    ],
  },
  {
    title: 'List',
    properties: [
      { name: 'sort_field', label: 'Default Sort Field', control: 'field' },
      { name: 'sort_order', label: 'Default Sort Order', control: 'select', choices: ['ASC', 'DESC'] },
      check('show_name_in_global_search', 'Make "name" searchable in Global Search'),
      text('default_view', 'Default View', 'List, Report, Tree, ...'),
      check('force_re_route_to_default_view', 'Force Re-route to Default View'),
      {
        name: 'document_type',
        label: 'Show in Module Section',
        control: 'select',
        choices: ['', 'Document', 'Setup', 'System', 'Other'],
      },
      text('icon', 'Icon'),
      text('color', 'Color'),
      text('restrict_to_domain', 'Restrict To Domain'),
      check('in_create', 'User Cannot Create'),
      check('read_only', 'User Cannot Search'),
    ],
  },
  {
    title: 'Tracking and web',
    properties: [
      check('track_changes', 'Track Changes'),
      check('track_seen', 'Track Seen'),
      check('track_views', 'Track Views'),
      check('queue_in_background', 'Queue in Background'),
      check('index_web_pages_for_search', 'Index Web Pages for Search'),
      check('has_web_view', 'Has Web View'),
      check('allow_guest_to_view', 'Allow Guest to View'),
      text('route', 'Route'),
      { name: 'is_published_field', label: 'Is Published Field', control: 'field' },
      { name: 'website_search_field', label: 'Website Search Field', control: 'field' },
    ],
  },
  {
    title: 'Email',
    properties: [
      text('default_email_template', 'Default Email Template'),
      check('email_append_to', 'Allow document creation via Email'),
      { name: 'sender_field', label: 'Sender Email Field', control: 'field' },
      { name: 'sender_name_field', label: 'Sender Name Field', control: 'field' },
      { name: 'subject_field', label: 'Subject Field', control: 'field' },
    ],
  },
  {
    title: 'Database',
    properties: [
      { name: 'engine', label: 'Database Engine', control: 'select', choices: ['InnoDB', 'MyISAM'] },
      { name: 'row_format', label: 'Row Format', control: 'select', choices: ['', 'Dynamic', 'Compressed'] },
    ],
  },
]
