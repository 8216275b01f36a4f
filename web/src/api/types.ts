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
  blue: { kind: 'git' | 'snapshot' | 'site' | 'none'; name: string }
  database: boolean
}
export interface DocTypeFile {
  name: string
  app: string
  path: string
  digest: string
  document: Record<string, Json>
}
export type Verdict = 'additive' | 'bridged' | 'blocking'
export interface Sql {
  title: string
  sql: string
}
export interface Remedy {
  id: string
  label: string
  explain: string
}
export interface Change {
  id: string
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
