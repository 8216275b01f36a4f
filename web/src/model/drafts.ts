import { type DocType, fieldname, fromJson, type Json, sameDocType, text, type Values } from './document'
import { apply, type Edit } from './edit'
import { newPermission } from './tables'

/** A DocType's file as it was read. */
export interface OnDisk {
  readonly app: string
  readonly digest: string
  readonly document: DocType
}

/** A DocType as it is edited. */
export interface Draft {
  readonly app: string
  readonly document: DocType
  /** The file is to go. */
  readonly removed: boolean
}

/** A field that keeps its values under a new name: the save writes the patch that says so. */
export interface FieldRename {
  /** The key of the draft. */
  readonly id: string
  readonly from: string
  readonly to: string
}

/**
 * Everything that is edited. A draft's key is the name that its DocType has in the file, or had when it was made;
 * its name now is in the document.
 */
export interface Drafts {
  readonly docs: ReadonlyMap<string, Draft>
  readonly renames: readonly FieldRename[]
  /** Lines of patches.txt that somebody read and found harmless. */
  readonly accepted: readonly string[]
}

/** What a draft does to the file. */
export type DraftState = 'added' | 'edited' | 'renamed' | 'removed' | 'unchanged'

/** Nothing edited. */
export const NO_DRAFTS: Drafts = { docs: new Map(), renames: [], accepted: [] }

/** The name of a draft's DocType now. */
export function draftName(id: string, draft: Draft): string {
  return text(draft.document.values, 'name') || id
}

function withDraft(drafts: Drafts, id: string, draft: Draft): Drafts {
  if (drafts.docs.get(id) === draft) return drafts
  return { ...drafts, docs: new Map(drafts.docs).set(id, draft) }
}

/** The drafts after one edit of one DocType. */
export function edit(drafts: Drafts, id: string, change: Edit): Drafts {
  const draft = drafts.docs.get(id)
  if (draft === undefined) return drafts
  const document = apply(draft.document, change)
  return document === draft.document ? drafts : withDraft(drafts, id, { ...draft, document })
}

/** Takes a file in that was opened, unless it is there. */
export function open(drafts: Drafts, id: string, file: OnDisk): Drafts {
  if (drafts.docs.has(id)) return drafts
  return withDraft(drafts, id, { app: file.app, document: file.document, removed: false })
}

/** A new DocType, as Frappe's desk begins one. */
export function create(drafts: Drafts, name: string, app: string, module: string, kind: DocTypeKind): Drafts {
  const document = fromJson(skeleton(name, module, kind), false)
  return withDraft(drafts, name, { app, document, removed: false })
}

/** Which sort of DocType a new one is. */
export type DocTypeKind = 'document' | 'child' | 'single'

function skeleton(name: string, module: string, kind: DocTypeKind): Values {
  return {
    actions: [],
    doctype: 'DocType',
    engine: 'InnoDB',
    field_order: [],
    fields: [],
    index_web_pages_for_search: 1,
    ...(kind === 'child' ? { istable: 1, editable_grid: 1 } : {}),
    ...(kind === 'single' ? { issingle: 1 } : {}),
    links: [],
    module,
    name,
    permissions: kind === 'child' ? [] : [{ ...newPermission(kind === 'single'), role: 'System Manager' }],
    sort_field: 'modified',
    sort_order: 'DESC',
    states: [],
    ...(kind === 'document' ? { track_changes: 1 } : {}),
  }
}

/** Marks a DocType as one that goes, or takes the mark back. A new one is forgotten. */
export function remove(drafts: Drafts, id: string, removed: boolean, onDisk: boolean): Drafts {
  const draft = drafts.docs.get(id)
  if (draft === undefined) return drafts
  if (onDisk) return withDraft(drafts, id, { ...draft, removed })
  const docs = new Map(drafts.docs)
  docs.delete(id)
  return { ...drafts, docs, renames: drafts.renames.filter((rename) => rename.id !== id) }
}

/** Gives a DocType another name. That of one in the file is a rename: its table and its values stay. */
export function renameDocType(drafts: Drafts, id: string, to: string): Drafts {
  return edit(drafts, id, { kind: 'property', name: 'name', value: to })
}

/**
 * Gives a field another name. `declared`: its values go along, by a patch; otherwise the old field is removed and
 * an empty one comes.
 */
export function renameField(drafts: Drafts, id: string, key: number, to: string, declared: boolean): Drafts {
  const field = drafts.docs.get(id)?.document.fields.find((candidate) => candidate.key === key)
  if (field === undefined) return drafts
  const now = fieldname(field)
  const next = edit(drafts, id, { kind: 'field', key, name: 'fieldname', value: to })
  const before = drafts.renames.find((rename) => rename.id === id && rename.to === now)
  const others = drafts.renames.filter((rename) => rename !== before)
  const from = before?.from ?? now
  return { ...next, renames: declared && from !== to ? [...others, { id, from, to }] : others }
}

/** Declares that a field's values go along to another field of the DocType. */
export function declareRename(drafts: Drafts, rename: FieldRename): Drafts {
  const others = drafts.renames.filter(({ id, to }) => id !== rename.id || to !== rename.to)
  return { ...drafts, renames: [...others, rename] }
}

/** Takes the drafts of some DocTypes out, with their renames. */
export function without(drafts: Drafts, ids: readonly string[]): Drafts {
  const docs = new Map(drafts.docs)
  for (const id of ids) docs.delete(id)
  return { ...drafts, docs, renames: drafts.renames.filter(({ id }) => !ids.includes(id)) }
}

/** Whether two states of the drafts are the same to the last of them: neither was edited on the way to the other. */
export function sameDrafts(a: Drafts, b: Drafts): boolean {
  return (
    a.docs.size === b.docs.size &&
    a.renames.length === b.renames.length &&
    a.accepted.length === b.accepted.length &&
    [...a.docs].every(([id, draft]) => b.docs.get(id) === draft) &&
    a.renames.every((rename, at) => rename === b.renames[at]) &&
    a.accepted.every((line, at) => line === b.accepted[at])
  )
}

/** The drafts with one of another document, e.g. one that was read again. */
export function replace(drafts: Drafts, id: string, draft: Draft): Drafts {
  return withDraft(drafts, id, draft)
}

/** The declared renames whose field is still there under its new name. */
export function liveRenames(drafts: Drafts): FieldRename[] {
  return drafts.renames.filter(({ id, to }) => {
    const draft = drafts.docs.get(id)
    return draft !== undefined && !draft.removed && draft.document.fields.some((field) => fieldname(field) === to)
  })
}

/** What a draft does to its file. */
export function draftState(id: string, draft: Draft, file: OnDisk | undefined): DraftState {
  if (file === undefined) return 'added'
  if (draft.removed) return 'removed'
  if (draftName(id, draft) !== id) return 'renamed'
  return sameDocType(draft.document, file.document) ? 'unchanged' : 'edited'
}

/** The drafts that would change a file, by key. */
export function changedDrafts(drafts: Drafts, files: ReadonlyMap<string, OnDisk>): [string, Draft, DraftState][] {
  return [...drafts.docs]
    .map(([id, draft]): [string, Draft, DraftState] => [id, draft, draftState(id, draft, files.get(id))])
    .filter(([, , state]) => state !== 'unchanged')
}

/** Sets a key of a field that is found by its name; for edits that other parties offer. */
export function setByFieldname(
  drafts: Drafts,
  id: string,
  name: string,
  property: string,
  value: Json | undefined,
): Drafts {
  const field = drafts.docs.get(id)?.document.fields.find((candidate) => fieldname(candidate) === name)
  return field === undefined ? drafts : edit(drafts, id, { kind: 'field', key: field.key, name: property, value })
}

/** A DocType that was read again, the keys of fields that it had before kept: lists stay where they are. */
export function keepKeys(before: DocType, now: DocType): DocType {
  const known = new Map(before.fields.map((field) => [fieldname(field), field.key]))
  return {
    values: now.values,
    fields: now.fields.map((field) => ({ ...field, key: known.get(fieldname(field)) ?? field.key })),
  }
}
