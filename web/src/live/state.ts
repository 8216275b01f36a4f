import { computed, ref, shallowReactive, shallowRef } from 'vue'
import { type Api, ApiError } from '../api/client'
import { bodyOf } from '../api/drafts'
import type { Conflict, Link, Verdict, Workspace } from '../api/schema'
import { fromJson } from '../model/document'
import {
  changedDrafts,
  draftName,
  type Drafts,
  draftState,
  liveRenames,
  NO_DRAFTS,
  type OnDisk,
  open as openDraft,
  sameDrafts,
  without,
} from '../model/drafts'
import { begin, everywhere, type History, record, redo, shortened, undo } from '../model/history'
import { NO_SELECTION, type Selection, stillThere } from '../model/selection'
import type { TreeDocType } from '../model/tree'
import { latest } from './latest'

/** How long after a keystroke the verdict is asked for, in milliseconds. */
const PAUSE = 120

/** A DocType's file, with what the page shows of it beside its fields. */
export interface OpenFile extends OnDisk {
  readonly path: string
  readonly asExported: boolean
  readonly linkedFrom: readonly Link[]
}

/** Something to tell in a few words. */
export interface Notice {
  readonly words: string
  readonly more: readonly string[]
  readonly isFailure: boolean
}

/** What a failure says to whoever sits before the page. */
export function wordsOf(reason: unknown): string {
  if (reason instanceof ApiError) return reason.message
  return 'The editor does not answer. Is "crossfade editor" still running?'
}

/** The state of the page and the smallest things that happen to it. */
export function createState(api: Api) {
  const workspace = shallowRef<Workspace | null>(null)
  const files = shallowReactive(new Map<string, OpenFile>())
  const history = shallowRef<History<Drafts>>(begin(NO_DRAFTS))
  const drafts = computed(() => history.value.present)
  const tabs = shallowRef<readonly string[]>([])
  const active = ref<string | null>(null)
  const selections = shallowReactive(new Map<string, Selection>())
  const verdict = shallowRef<Verdict | null>(null)
  const waiting = ref(false)
  const failure = ref<string | null>(null)
  const notice = shallowRef<Notice | null>(null)
  const conflict = shallowRef<Conflict | null>(null)
  /** DocTypes whose file something else wrote while they are edited here. */
  const stale = shallowReactive(new Set<string>())
  /** The field that somebody wants to see; the view of its DocType goes there. */
  const goal = shallowRef<{ id: string; field: string } | null>(null)

  const changed = computed(() => changedDrafts(drafts.value, files))
  /** What a save would write: DocTypes that differ, and those of which only a rename is declared. */
  const unsaved = computed(() => [
    ...new Set([...changed.value.map(([id]) => id), ...liveRenames(drafts.value).map(({ id }) => id)]),
  ])
  const activeDraft = computed(() => (active.value === null ? null : (drafts.value.docs.get(active.value) ?? null)))

  const tree = computed<TreeDocType[]>(() => {
    const known = (workspace.value?.doctypes ?? []).map((doctype): TreeDocType => {
      const draft = drafts.value.docs.get(doctype.name)
      const state = draft === undefined ? 'unchanged' : draftState(doctype.name, draft, files.get(doctype.name))
      return {
        id: doctype.name,
        name: draft === undefined ? doctype.name : draftName(doctype.name, draft),
        app: doctype.app,
        module: doctype.module,
        badge: state === 'unchanged' ? (doctype.changed ?? null) : state,
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

  const questions = latest(
    (asked: Drafts, signal) => api.verdict(bodyOf(asked, files), signal),
    {
      answer(answer) {
        verdict.value = answer
        failure.value = null
      },
      failure(reason) {
        failure.value = wordsOf(reason)
      },
      waiting(waits) {
        waiting.value = waits
      },
    },
    PAUSE,
  )

  const ask = () => questions.ask(drafts.value)
  const body = () => bodyOf(drafts.value, files)

  function say(words: string, more: readonly string[] = [], isFailure = false) {
    notice.value = { words, more, isFailure }
  }
  const fail = (reason: unknown) => say(wordsOf(reason), [], true)

  function change(next: Drafts, about: string | null = null) {
    history.value = record(history.value, next, about)
  }

  /** The key of the draft or file that has a name now. */
  function idOf(name: string): string {
    return tree.value.find((doctype) => doctype.name === name)?.id ?? name
  }

  /** Whether a change of the verdict is one of the draft. */
  function isAbout(id: string, doctype: string): boolean {
    if (id === doctype) return true
    const draft = drafts.value.docs.get(id)
    return draft !== undefined && draftName(id, draft) === doctype
  }

  function close(id: string) {
    const at = tabs.value.indexOf(id)
    if (at < 0) return
    tabs.value = tabs.value.filter((other) => other !== id)
    if (active.value === id) active.value = tabs.value[Math.min(at, tabs.value.length - 1)] ?? null
  }

  /** The next tab, or the one before. */
  function step(by: -1 | 1) {
    if (active.value === null || tabs.value.length === 0) return
    const at = tabs.value.indexOf(active.value) + by
    active.value = tabs.value[(at + tabs.value.length) % tabs.value.length] ?? null
  }

  async function readFile(id: string): Promise<OpenFile> {
    const file = await api.doctype(id)
    return {
      app: file.app,
      path: file.path,
      digest: file.digest,
      document: fromJson(file.document),
      asExported: file.as_exported,
      linkedFrom: file.linked_from,
    }
  }

  /** Takes a file in. That is no step which can be undone: every state of the history knows the file. */
  function know(id: string, file: OpenFile) {
    files.set(id, file)
    history.value = everywhere(history.value, (state) => openDraft(state, id, file))
  }

  /** Goes on without some DocTypes: what was done to them cannot be undone any more, what was done to others can. */
  function forget(ids: readonly string[]) {
    for (const id of ids) {
      files.delete(id)
      stale.delete(id)
    }
    history.value = shortened(
      everywhere(history.value, (state) => without(state, ids)),
      sameDrafts,
    )
  }

  /** Reads a DocType unless it is there; false if that failed. */
  async function ensure(id: string): Promise<boolean> {
    if (drafts.value.docs.has(id)) return true
    try {
      know(id, files.get(id) ?? (await readFile(id)))
      return true
    } catch (reason) {
      fail(reason)
      return false
    }
  }

  /** Opens a DocType in a tab and goes there. */
  async function open(id: string) {
    if (!(await ensure(id))) return
    if (!tabs.value.includes(id)) tabs.value = [...tabs.value, id]
    active.value = id
  }

  function show(doctype: string, field: string | null) {
    const id = idOf(doctype)
    void open(id).then(() => {
      if (field !== null) goal.value = { id, field }
    })
  }

  function go(next: History<Drafts>) {
    const before = drafts.value
    history.value = next
    const ids = [...next.present.docs.keys(), ...before.docs.keys()]
    const touched = ids.find((id) => before.docs.get(id) !== next.present.docs.get(id))
    if (touched === undefined) return
    if (!next.present.docs.has(touched)) return close(touched)
    if (!tabs.value.includes(touched)) tabs.value = [...tabs.value, touched]
    active.value = touched
  }

  async function load() {
    try {
      workspace.value = await api.workspace()
    } catch (reason) {
      failure.value = wordsOf(reason)
    }
  }

  function selection(id: string): Selection {
    return stillThere(selections.get(id) ?? NO_SELECTION, drafts.value.docs.get(id)?.document.fields ?? [])
  }

  return {
    api,
    workspace,
    files,
    history,
    drafts,
    tabs,
    active,
    activeDraft,
    verdict,
    waiting,
    failure,
    notice,
    conflict,
    stale,
    goal,
    changed,
    unsaved,
    tree,
    canUndo: computed(() => history.value.past.length > 0),
    canRedo: computed(() => history.value.future.length > 0),
    ask,
    body,
    say,
    fail,
    change,
    idOf,
    isAbout,
    close,
    step,
    readFile,
    know,
    forget,
    ensure,
    open,
    show,
    load,
    selection,
    select: (id: string, next: Selection) => void selections.set(id, next),
    undo: () => go(undo(history.value)),
    redo: () => go(redo(history.value)),
  }
}

/** See [`createState`]. */
export type State = ReturnType<typeof createState>
