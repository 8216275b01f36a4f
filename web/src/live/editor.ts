import { inject, type InjectionKey, watch } from 'vue'
import type { Api } from '../api/client'
import { edit as editDrafts } from '../model/drafts'
import type { Edit } from '../model/edit'
import { createFollowing } from './following'
import { createSaving } from './saving'
import { createState } from './state'

/** Makes the editor of the page: everything that it shows and does. */
export function createEditor(api: Api) {
  const state = createState(api)
  watch(state.drafts, () => state.ask())
  return {
    ...state,
    ...createSaving(state),
    ...createFollowing(state),
    /** One edit of one DocType; edits about the same thing are undone together. */
    edit: (id: string, what: Edit, about: string | null = null) =>
      state.change(editDrafts(state.drafts.value, id, what), about),
  }
}

/** See [`createEditor`]. */
export type Editor = ReturnType<typeof createEditor>

/** Where components get the editor from. */
export const editorKey: InjectionKey<Editor> = Symbol('editor')

/** The editor of the page. */
export function useEditor(): Editor {
  const editor = inject(editorKey)
  if (editor === undefined) throw new Error('no editor was provided')
  return editor
}
