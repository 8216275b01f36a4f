import type { Json } from '../model/document'

export interface WorkspaceDocType {
  name: string
  app: string
  module: string
  istable: boolean
  issingle: boolean
  changed: 'added' | 'edited' | 'renamed' | 'removed' | null
}
export interface Workspace {
  apps: { name: string; modules: string[] }[]
  doctypes: WorkspaceDocType[]
  blue: { words: string }
  database: boolean
}
export interface DocTypeFile {
  name: string
  app: string
  path: string
  digest: string
  document: Record<string, Json>
}
export interface DraftsBody {
  drafts: {
    id: string
    app: string
    digest: string | null
    document: Record<string, Json> | null
    renamed_from: string | null
  }[]
  renames: { doctype: string; from: string; to: string }[]
}
export interface Sql {
  title: string
  sql: string
  cost: string
}
export interface Remedy {
  id: string
  label: string
  words: string
  edits: RemedyEdit[]
}
export interface RemedyEdit {
  doctype: string
  field: string | null
  property: string
  value: Json
}
export interface Change {
  app: string
  doctype: string
  field: string | null
  kind: string
  verdict: string
  why: string
  usual: string
  crossfade: string
  expand: Sql[]
  contract: Sql[]
  remedies: Remedy[]
}
export interface Problem {
  doctype: string
  field: string | null
  message: string
}
export interface Verdict {
  verdict: string
  summary: string
  hash: string
  changes: Change[]
  problems: Problem[]
}
export interface Reference {
  doctype: string
  field: string | null
  property: string
  before: string
  after: string
}
export interface SaveConflict {
  kind: 'conflict'
  files: { id: string; path: string; digest: string | null; document: Record<string, Json> | null }[]
}
export type SaveResult = { kind: 'saved'; message: string } | SaveConflict
