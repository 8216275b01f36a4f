import type { Question, Reference, Remedy, RemedyEdit, Rename } from '../api/schema'
import { fieldname, type Json, newKey } from '../model/document'
import { declareRename, type Drafts, edit, setByFieldname } from '../model/drafts'
import type { State } from './state'

/** Edits that the server offers: what names a renamed field elsewhere, safer ways, answers to its questions. */
export function createFollowing(state: State) {
  const { change, drafts, ensure, idOf, say } = state

  function set(
    to: Drafts,
    doctype: string,
    field: string | null | undefined,
    property: string,
    value: Json | undefined,
  ): Drafts {
    const id = idOf(doctype)
    if (field === null || field === undefined) return edit(to, id, { kind: 'property', name: property, value })
    return setByFieldname(to, id, field, property, value)
  }

  function addField(to: Drafts, doctype: string, after: string, values: Record<string, Json>): Drafts {
    const id = idOf(doctype)
    const fields = to.docs.get(id)?.document.fields ?? []
    const at = fields.findIndex((field) => fieldname(field) === after)
    return edit(to, id, {
      kind: 'add',
      at: at < 0 ? fields.length : at + 1,
      fields: [{ key: newKey(), origin: null, values }],
    })
  }

  function remedied(to: Drafts, one: RemedyEdit): Drafts {
    if (one.kind === 'add_field') return addField(to, one.doctype, one.after, one.values as Record<string, Json>)
    return set(to, one.doctype, one.field, one.property, (one.value as Json | null) ?? undefined)
  }

  const declared = (to: Drafts, { doctype, from, to: name }: Rename) =>
    declareRename(to, { id: idOf(doctype), from, to: name })

  /** Reads what is to be edited, one after the other; false if one cannot be read. */
  async function ensureAll(doctypes: readonly string[]): Promise<boolean> {
    for (const doctype of new Set(doctypes)) if (!(await ensure(idOf(doctype)))) return false
    return true
  }

  /** Takes a safer way, as one step. */
  async function apply(remedy: Remedy) {
    if (!(await ensureAll([...remedy.edits, ...remedy.renames].map(({ doctype }) => doctype)))) return
    const edited = remedy.renames.reduce(declared, remedy.edits.reduce(remedied, drafts.value))
    const accepted = [...new Set([...edited.accepted, ...remedy.accept_patches])]
    change({ ...edited, accepted })
    say(remedy.words)
  }

  /** Answers a question of the plan with yes. */
  async function confirm({ doctype, rename }: Question) {
    if (!rename || !(await ensureAll([doctype]))) return
    change(declared(drafts.value, rename))
  }

  /** Renames, and changes what named it elsewhere, as one step; false if a file could not be read. */
  async function follow(rename: (to: Drafts) => Drafts, references: readonly Reference[]): Promise<boolean> {
    if (!(await ensureAll(references.map(({ doctype }) => doctype)))) return false
    const followed = references.reduce(
      (to, one) => set(to, one.doctype, one.field, one.property, one.after),
      drafts.value,
    )
    change(rename(followed))
    return true
  }

  return { apply, confirm, follow }
}
