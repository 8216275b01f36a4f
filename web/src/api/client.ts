import type { DocTypeFile, DraftsBody, Reference, SaveResult, Verdict, Workspace } from './types'

/** What the server refused or could not do, in its words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** A text that `crossfade plan` gives. */
export type OutputKind = 'sql' | 'plan' | 'markdown' | 'release'

/** The server of the page. */
export interface Api {
  workspace(): Promise<Workspace>
  doctype(name: string): Promise<DocTypeFile>
  verdict(drafts: DraftsBody, signal: AbortSignal): Promise<Verdict>
  references(
    drafts: DraftsBody,
    doctype: string,
    field: string | null,
    to: string,
    signal: AbortSignal,
  ): Promise<Reference[]>
  save(drafts: DraftsBody): Promise<SaveResult>
  output(kind: OutputKind, drafts: DraftsBody): Promise<string>
  events(changed: (doctype: string) => void): () => void
}

/** The server that the page came from. */
export function createApi(): Api {
  const csrf = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? ''
  async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const answer = await fetch(path, {
      method,
      headers: { 'x-csrf-token': csrf, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (answer.ok || answer.status === 409) return answer
    throw new ApiError(answer.status, await answer.text())
  }
  return {
    workspace: async () => (await request('GET', '/api/workspace')).json(),
    doctype: async (name) => (await request('GET', `/api/doctypes/${encodeURIComponent(name)}`)).json(),
    verdict: async (drafts, signal) => (await request('POST', '/api/verdict', drafts, signal)).json(),
    references: async (drafts, doctype, field, to, signal) =>
      (await request('POST', '/api/rename', { ...drafts, doctype, field, to }, signal)).json(),
    save: async (drafts) => (await request('POST', '/api/save', drafts)).json(),
    output: async (kind, drafts) => (await request('POST', `/api/output/${kind}`, drafts)).text(),
    events(changed) {
      const source = new EventSource('/api/events')
      source.addEventListener('changed', (event) => changed((event as MessageEvent<string>).data))
      return () => source.close()
    },
  }
}
