import type { DocType } from '../model/document'

/** What to keep of a file that changed on disk. */
export type Resolution = 'mine' | 'disk' | 'both'

/** A choice with what it needs: the digest and the document that are on disk now, and both versions as one. */
export interface Decision {
  readonly id: string
  readonly choice: Resolution
  readonly digest: string | null
  readonly disk: DocType | null
  readonly merged: DocType | null
}
