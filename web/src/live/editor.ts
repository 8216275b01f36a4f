import {
  computed,
  type ComputedRef,
  inject,
  type InjectionKey,
  ref,
  type Ref,
  shallowReactive,
  shallowRef,
  type ShallowRef,
  watch,
} from 'vue'
import { type Api, ApiError, type OutputKind } from '../api/client'
import type { Change, Reference, Remedy, RemedyEdit, SaveConflict, Verdict, Workspace } from '../api/types'
import { fromJson } from '../model/document'
import {
  changedDrafts,
  type Draft,
  draftName,
  type Drafts,
  draftState,
  edit as editDrafts,
  keepKeys,
  NO_DRAFTS,
  type OnDisk,
  open as openDraft,
  setByFieldname,
} from '../model/drafts'
import type { Edit } from '../model/edit'
import { begin, type History, record, redo, undo } from '../model/history'
import { NO_SELECTION, type Selection, stillThere } from '../model/selection'
import type { TreeDocType } from '../model/tree'
import { verdictQuestion } from '../api/drafts'
import type { Decision } from './conflict'
import { latest } from './latest'

/** How long after a keystroke the verdict is asked for, in milliseconds. */
const PAUSE = 150

/** Everything that the page shows and does; one for the page. */
export interface Editor {
  readonly api: Api
  readonly workspace: ShallowRef<Workspace | null>
  readonly files: Map<string, OnDisk>
  readonly drafts: ComputedRef<Drafts>
  readonly canUndo: ComputedRef<boolean>
  readonly canRedo: ComputedRef<boolean>
  readonly changed: ComputedRef<[string, Draft, string][]>
  readonly tree: ComputedRef<TreeDocType[]>
  readonly tabs: ShallowRef<readonly string[]>
  readonly active: Ref<string | null>
  readonly activeDraft: ComputedRef<Draft | null>
  readonly verdict: ShallowRef<Verdict | null>
  readonly waiting: Ref<boolean>
  readonly failure: Ref<string | null>
  readonly notice: Ref<string | null>
  readonly saving: Ref<boolean>
  readonly conflict: ShallowRef<SaveConflict | null>
  /** Files of open DocTypes that something else wrote since they were read. */
  readonly stale: Set<string>
  load(): Promise<void>
  open(id: string): Promise<void>
  close(id: string): void
  step(by: -1 | 1): void
  selection(id: string): Selection
  select(id: string, selection: Selection): void
  edit(id: string, change: Edit, about?: string): void
  change(next: Drafts, about?: string | null): void
  undo(): void
  redo(): void
  save(): Promise<void>
  readAgain(id: string): Promise<OnDisk>
  forget(ids: readonly string[]): void
  ask(): void
  say(words: string): void
  /** Listens to what changes on disk; the answer ends it. */
  listen(): () => void
  /** The field that somebody wants to see; the list of its DocType goes there. */
  readonly goal: Ref<{ id: string; field: string } | null>
  show(doctype: string, field: string | null): void
  /** Whether a change of the verdict is one of the draft. */
  isAbout(id: string, doctype: string): boolean
  apply(change: Change, remedy: Remedy): Promise<void>
  /** Renames, and changes what named it elsewhere, as one step; false if a file could not be read. */
  follow(rename: (drafts: Drafts) => Drafts, references: readonly Reference[]): Promise<boolean>
  output(kind: OutputKind): Promise<string>
  resolve(decisions: readonly Decision[]): Promise<void>
}

const KEY: InjectionKey<Editor> = Symbol('editor')

/** Where components get the editor from. */
export const editorKey = KEY

/** The editor of the page. */
export function useEditor(): Editor {
  const editor = inject(KEY)
  if (editor === undefined) throw new Error('no editor was provided')
  return editor
}

function sentence(reason: unknown): string {
  if (reason instanceof ApiError) return reason.message
  return 'The editor does not answer. Is "crossfade editor" still running?'
}

/** Makes the editor of the page. */
export function createEditor(api: Api): Editor {
  const workspace = shallowRef<Workspace | null>(null)
  const files = shallowReactive(new Map<string, OnDisk>())
  const history = shallowRef<History<Drafts>>(begin(NO_DRAFTS))
  const drafts = computed(() => history.value.present)
  const tabs = shallowRef<readonly string[]>([])
  const active = ref<string | null>(null)
  const selections = shallowReactive(new Map<string, Selection>())
  const verdict = shallowRef<Verdict | null>(null)
  const waiting = ref(false)
  const failure = ref<string | null>(null)
  const notice = ref<string | null>(null)
  const saving = ref(false)
  const conflict = shallowRef<SaveConflict | null>(null)
  const stale = shallowReactive(new Set<string>())

  const changed = computed(() => changedDrafts(drafts.value, files))
  const activeDraft = computed(() => (active.value === null ? null : (drafts.value.docs.get(active.value) ?? null)))

  const questions = latest(
    (question: Drafts, signal) => api.verdict(verdictQuestion(question, files), signal),
    {
      answer(answer) {
        verdict.value = answer
        failure.value = null
      },
      failure(reason) {
        failure.value = sentence(reason)
      },
      waiting(waits) {
        waiting.value = waits
      },
    },
    PAUSE,
  )
  const ask = () => questions.ask(drafts.value)

  const tree = computed<TreeDocType[]>(() => {
    const known = (workspace.value?.doctypes ?? []).map((doctype): TreeDocType => {
      const draft = drafts.value.docs.get(doctype.name)
      const state = draft === undefined ? 'unchanged' : draftState(doctype.name, draft, files.get(doctype.name))
      return {
        id: doctype.name,
        name: draft === undefined ? doctype.name : draftName(doctype.name, draft),
        app: doctype.app,
        module: doctype.module,
        badge: state === 'unchanged' ? doctype.changed : state,
      }
    })
    const names = new Set(known.map(({ id }) => id))
    for (const [id, draft] of drafts.value.docs) {
      if (names.has(id)) continue
      const module = draft.document.values['module']
      known.push({
        id,
        name: draftName(id, draft),
        app: draft.app,
        module: typeof module === 'string' ? module : '',
        badge: 'added',
      })
    }
    return known
  })

  function change(next: Drafts, about: string | null = null) {
    history.value = record(history.value, next, about)
  }

  function go(next: History<Drafts>) {
    const before = drafts.value
    history.value = next
    const touched = [...next.present.docs.keys(), ...before.docs.keys()].find(
      (id) => before.docs.get(id) !== next.present.docs.get(id),
    )
    if (touched === undefined) return
    if (!next.present.docs.has(touched)) close(touched)
    else if (tabs.value.includes(touched)) active.value = touched
  }

  async function readAgain(id: string): Promise<OnDisk> {
    const file = await api.doctype(id)
    const read: OnDisk = { app: file.app, digest: file.digest, document: fromJson(file.document) }
    return read
  }

  async function open(id: string) {
    try {
      if (!drafts.value.docs.has(id)) {
        const file = files.get(id) ?? (await readAgain(id))
        files.set(id, file)
        // Opening is no step that can be undone: every state of the history knows the file.
        const know = (state: Drafts) => openDraft(state, id, file)
        const { past, present, future, about } = history.value
        history.value = { past: past.map(know), present: know(present), future: future.map(know), about }
      }
      if (!tabs.value.includes(id)) tabs.value = [...tabs.value, id]
      active.value = id
    } catch (reason) {
      notice.value = sentence(reason)
    }
  }

  function close(id: string) {
    const at = tabs.value.indexOf(id)
    if (at < 0) return
    tabs.value = tabs.value.filter((other) => other !== id)
    if (active.value === id) active.value = tabs.value[Math.min(at, tabs.value.length - 1)] ?? null
  }

  function step(by: -1 | 1) {
    if (active.value === null || tabs.value.length === 0) return
    const at = tabs.value.indexOf(active.value) + by
    active.value = tabs.value[(at + tabs.value.length) % tabs.value.length] ?? null
  }

  /** Begins anew with what is in the files: after a save nothing is left to undo. */
  function forget(ids: readonly string[]) {
    const docs = new Map(drafts.value.docs)
    for (const id of ids) {
      docs.delete(id)
      files.delete(id)
      stale.delete(id)
    }
    history.value = begin({ docs, renames: drafts.value.renames.filter(({ id }) => !ids.includes(id)) })
  }

  async function load() {
    try {
      workspace.value = await api.workspace()
    } catch (reason) {
      failure.value = sentence(reason)
    }
  }

  async function save() {
    if (saving.value || changed.value.length === 0) return
    saving.value = true
    try {
      const saved = changed.value.map(([id, draft, state]) => ({
        id,
        name: draftName(id, draft),
        removed: state === 'removed',
      }))
      const result = await api.save(verdictQuestion(drafts.value, files))
      if (result.kind === 'conflict') {
        conflict.value = result
        return
      }
      const opened = tabs.value
      const place = active.value
      const names = new Map(saved.map(({ id, name, removed }) => [id, removed ? null : name]))
      const keep = new Map(saved.map(({ id, name }) => [name, drafts.value.docs.get(id)?.document]))
      forget(saved.map(({ id }) => id))
      for (const { name, removed } of saved) {
        if (removed) continue
        const file = await readAgain(name)
        const before = keep.get(name)
        const kept = before === undefined ? file.document : keepKeys(before, file.document)
        files.set(name, { ...file, document: kept })
        history.value = begin(openDraft(drafts.value, name, { ...file, document: kept }))
      }
      const renamed = (id: string) => (names.has(id) ? (names.get(id) ?? null) : id)
      tabs.value = opened.map(renamed).filter((id): id is string => id !== null)
      active.value = (place === null ? null : renamed(place)) ?? tabs.value.at(-1) ?? null
      notice.value = result.message
      await load()
      ask()
    } catch (reason) {
      notice.value = sentence(reason)
    } finally {
      saving.value = false
    }
  }

  const goal = ref<{ id: string; field: string } | null>(null)

  /** The key of the draft or file that has a name now. */
  function idOf(name: string): string {
    return tree.value.find((doctype) => doctype.name === name)?.id ?? name
  }

  function isAbout(id: string, doctype: string): boolean {
    if (id === doctype) return true
    const draft = drafts.value.docs.get(id)
    return draft !== undefined && draftName(id, draft) === doctype
  }

  function show(doctype: string, field: string | null) {
    const id = idOf(doctype)
    void open(id).then(() => {
      if (field !== null) goal.value = { id, field }
    })
  }

  /** Opens what is to be edited, without a tab for it. */
  async function draftsWith(names: readonly string[]): Promise<boolean> {
    const [before, tab] = [tabs.value, active.value]
    for (const name of new Set(names)) await open(idOf(name))
    tabs.value = before
    active.value = tab
    return names.every((name) => drafts.value.docs.has(idOf(name)))
  }

  function set(state: Drafts, { doctype, field, property, value }: RemedyEdit): Drafts {
    const id = idOf(doctype)
    if (field === null) return editDrafts(state, id, { kind: 'property', name: property, value: value ?? undefined })
    return setByFieldname(state, id, field, property, value ?? undefined)
  }

  async function apply(_: Change, remedy: Remedy) {
    if (!(await draftsWith(remedy.edits.map(({ doctype }) => doctype)))) return
    change(remedy.edits.reduce(set, drafts.value))
    notice.value = remedy.words
  }

  async function follow(rename: (state: Drafts) => Drafts, references: readonly Reference[]): Promise<boolean> {
    if (!(await draftsWith(references.map(({ doctype }) => doctype)))) return false
    const edits = references.map(({ doctype, field, property, after }) => ({ doctype, field, property, value: after }))
    change(rename(edits.reduce(set, drafts.value)))
    return true
  }

  /** Takes the choices over; the next save writes them. */
  async function resolve(decisions: readonly Decision[]) {
    conflict.value = null
    for (const { id, choice, digest, disk, merged } of decisions) {
      const draft = drafts.value.docs.get(id)
      stale.delete(id)
      if (draft === undefined) continue
      if (choice === 'disk' || digest === null || disk === null) {
        forget([id])
        if (choice === 'disk' && disk !== null) await open(id)
        else if (choice === 'disk') close(id)
        else change({ ...drafts.value, docs: new Map(drafts.value.docs).set(id, draft) })
        continue
      }
      files.set(id, { app: draft.app, digest, document: keepKeys(draft.document, disk) })
      if (choice === 'both' && merged !== null)
        change({ ...drafts.value, docs: new Map(drafts.value.docs).set(id, { ...draft, document: merged }) })
    }
    ask()
  }

  function listen(): () => void {
    return api.events((name) => {
      void load().then(ask)
      const file = files.get(name)
      if (file === undefined) return
      void readAgain(name).then(
        (now) => {
          if (now.digest === file.digest || files.get(name) !== file) return
          const draft = drafts.value.docs.get(name)
          if (draft !== undefined && draftState(name, draft, file) !== 'unchanged') return void stale.add(name)
          // Nobody edited it here: the page shows what is on disk.
          const read = { ...now, document: keepKeys(file.document, now.document) }
          forget([name])
          files.set(name, read)
          history.value = begin(openDraft(drafts.value, name, read))
        },
        () => void stale.add(name),
      )
    })
  }

  watch(drafts, (now, before) => {
    if (now.docs.size > 0 || before.docs.size > 0) ask()
  })

  return {
    api,
    workspace,
    files,
    drafts,
    changed,
    tree,
    tabs,
    active,
    activeDraft,
    verdict,
    waiting,
    failure,
    notice,
    saving,
    conflict,
    stale,
    canUndo: computed(() => history.value.past.length > 0),
    canRedo: computed(() => history.value.future.length > 0),
    load,
    open,
    close,
    step,
    change,
    save,
    readAgain,
    forget,
    ask,
    selection: (id) => {
      const fields = drafts.value.docs.get(id)?.document.fields ?? []
      return stillThere(selections.get(id) ?? NO_SELECTION, fields)
    },
    select: (id, selection) => void selections.set(id, selection),
    edit: (id, what, about) => change(editDrafts(drafts.value, id, what), about ?? null),
    undo: () => go(undo(history.value)),
    redo: () => go(redo(history.value)),
    listen,
    goal,
    show,
    isAbout,
    apply,
    follow,
    resolve,
    output: (kind) => api.output(kind, verdictQuestion(drafts.value, files)),
    say: (words) => void (notice.value = words),
  }
}
