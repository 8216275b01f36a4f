import { ref } from 'vue'
import { draftName, draftState, keepKeys, replace } from '../model/drafts'
import type { Decision } from './conflict'
import type { State } from './state'

/** Writing to the disk, and what the disk says. */
export function createSaving(state: State) {
  const {
    active,
    api,
    ask,
    body,
    change,
    close,
    conflict,
    drafts,
    fail,
    files,
    forget,
    know,
    load,
    open,
    readFile,
    say,
    stale,
    tabs,
    unsaved,
  } = state
  const saving = ref(false)

  /** The page goes on with what is in the files now: places and selections stay. */
  async function readSaved(ids: readonly string[]) {
    const saved = ids.map((id) => {
      const draft = drafts.value.docs.get(id)
      return {
        id,
        name: draft === undefined ? id : draftName(id, draft),
        document: draft?.document,
        removed: draft?.removed ?? true,
      }
    })
    const [opened, place] = [tabs.value, active.value]
    forget(ids)
    for (const { name, document, removed } of saved) {
      if (removed) continue
      const file = await readFile(name)
      know(name, document === undefined ? file : { ...file, document: keepKeys(document, file.document) })
    }
    const nameOf = (id: string) => {
      const one = saved.find((candidate) => candidate.id === id)
      return one === undefined ? id : one.removed ? null : one.name
    }
    tabs.value = opened.map(nameOf).filter((id) => id !== null)
    active.value = (place === null ? null : nameOf(place)) ?? tabs.value.at(-1) ?? null
  }

  async function save() {
    if (saving.value || unsaved.value.length === 0) return
    saving.value = true
    const ids = unsaved.value
    try {
      const result = await api.save(body())
      if (result.kind === 'conflict') {
        conflict.value = result
        return
      }
      await readSaved(ids)
      say(result.message, result.left)
      await load()
      ask()
    } catch (reason) {
      fail(reason)
    } finally {
      saving.value = false
    }
  }

  /** Takes the choices over; the next save writes them. */
  async function resolve(decisions: readonly Decision[]) {
    conflict.value = null
    for (const { id, choice, digest, disk, merged } of decisions) {
      const draft = drafts.value.docs.get(id)
      stale.delete(id)
      if (draft === undefined) continue
      if (choice === 'disk') {
        forget([id])
        if (disk === null) close(id)
        else await open(id)
      } else if (digest === null || disk === null) {
        // The file is gone: what is edited here becomes a new one.
        forget([id])
        change(replace(drafts.value, id, { ...draft, removed: false }))
      } else {
        const before = files.get(id)
        if (before !== undefined) files.set(id, { ...before, digest, document: keepKeys(draft.document, disk) })
        if (choice === 'both' && merged !== null) change(replace(drafts.value, id, { ...draft, document: merged }))
      }
    }
    ask()
  }

  async function readChanged(id: string) {
    const file = files.get(id)
    if (file === undefined) return
    try {
      const now = await readFile(id)
      if (now.digest === file.digest || files.get(id) !== file || saving.value) return
      const draft = drafts.value.docs.get(id)
      if (draft !== undefined && draftState(id, draft, file) !== 'unchanged') {
        stale.add(id)
        return
      }
      // Nobody edits it here: the page shows what is on disk.
      forget([id])
      know(id, { ...now, document: keepKeys(file.document, now.document) })
    } catch {
      stale.add(id)
    }
  }

  /** Listens to what changes on disk; the answer ends it. */
  function listen(): () => void {
    return api.events((name) => {
      void load().then(ask)
      if (name !== '') void readChanged(name)
    })
  }

  return { saving, save, resolve, listen }
}
