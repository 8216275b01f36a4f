/** A DocType in the list on the left. */
export interface TreeDocType {
  readonly id: string
  readonly name: string
  readonly app: string
  readonly module: string
  /** What is said of it beside its name. */
  readonly badge: string | null
}

/** A line of the tree. `path` names it: the app, app/module, or the DocType. */
export type TreeRow =
  | {
      kind: 'app' | 'module'
      path: string
      label: string
      count: number
      changed: number
      open: boolean
      level: number
    }
  | { kind: 'doctype'; path: string; label: string; doctype: TreeDocType; level: number }

const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true })

/** The words of a search; every one has to be found. */
function matcher(search: string): (doctype: TreeDocType) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return ({ name, module }) => {
    const where = `${name} ${module}`.toLowerCase()
    return words.every((word) => where.includes(word))
  }
}

/**
 * The lines to show: apps, their modules, their DocTypes. `closed` has the paths that are folded; a search, and
 * `changedOnly`, unfold everything.
 */
export function treeRows(
  doctypes: readonly TreeDocType[],
  search: string,
  changedOnly: boolean,
  closed: ReadonlySet<string>,
): TreeRow[] {
  const found = doctypes.filter(matcher(search)).filter((doctype) => !changedOnly || doctype.badge !== null)
  const unfolded = search.trim() !== '' || changedOnly
  const rows: TreeRow[] = []
  for (const [app, ofApp] of groups(found, (doctype) => doctype.app, false)) {
    const open = unfolded || !closed.has(app)
    rows.push({ kind: 'app', path: app, label: app, count: ofApp.length, changed: changed(ofApp), open, level: 1 })
    if (!open) continue
    for (const [module, ofModule] of groups(ofApp, (doctype) => doctype.module, true)) {
      const path = `${app}/${module}`
      const openModule = unfolded || !closed.has(path)
      rows.push({
        kind: 'module',
        path,
        label: module,
        count: ofModule.length,
        changed: changed(ofModule),
        open: openModule,
        level: 2,
      })
      if (!openModule) continue
      const sorted = [...ofModule].sort((a, b) => collator.compare(a.name, b.name))
      rows.push(
        ...sorted.map((doctype): TreeRow => ({
          kind: 'doctype',
          path: doctype.id,
          label: doctype.name,
          doctype,
          level: 3,
        })),
      )
    }
  }
  return rows
}

function changed(doctypes: readonly TreeDocType[]): number {
  return doctypes.filter(({ badge }) => badge !== null).length
}

function groups(
  doctypes: readonly TreeDocType[],
  by: (doctype: TreeDocType) => string,
  sorted: boolean,
): [string, TreeDocType[]][] {
  const found = new Map<string, TreeDocType[]>()
  for (const doctype of doctypes) {
    const name = by(doctype)
    const group = found.get(name)
    if (group === undefined) found.set(name, [doctype])
    else group.push(doctype)
  }
  return sorted ? [...found].sort(([a], [b]) => collator.compare(a, b)) : [...found]
}

/** The line to be at after a search: the DocType of that name, one that begins so, or the first. */
export function bestRow(rows: readonly TreeRow[], search: string): number {
  const wanted = search.trim().toLowerCase()
  const find = (fits: (name: string) => boolean) =>
    rows.findIndex((row) => row.kind === 'doctype' && fits(row.label.toLowerCase()))
  for (const fits of [(name: string) => name === wanted, (name: string) => name.startsWith(wanted), () => true]) {
    const at = find(fits)
    if (at >= 0) return at
  }
  return 0
}
