import { toJson } from '../model/document'
import { changedDrafts, draftName, type Drafts, liveRenames, type OnDisk } from '../model/drafts'
import type { Drafts as Body } from './schema'

/** The drafts as the server wants them: what changes, and what it was made of. */
export function bodyOf(drafts: Drafts, files: ReadonlyMap<string, OnDisk>): Body {
  return {
    drafts: changedDrafts(drafts, files).map(([id, draft, state]) => ({
      id,
      app: draft.app,
      digest: files.get(id)?.digest ?? null,
      document: state === 'removed' ? null : toJson(draft.document),
      renamed_from: state === 'renamed' ? id : null,
    })),
    renames: liveRenames(drafts).map(({ id, from, to }) => {
      const draft = drafts.docs.get(id)
      return { doctype: draft === undefined ? id : draftName(id, draft), from, to }
    }),
    accepted_patches: [...drafts.accepted],
  }
}
