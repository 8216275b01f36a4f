import createClient from 'openapi-fetch'
import type { Values } from '../model/document'
import type {
  Conflict,
  DocTypeFile,
  Drafts,
  Duplicates,
  DuplicatesQuestion,
  OutputKind,
  OutputPart,
  paths,
  Reference,
  RenameQuestion,
  Saved,
  Verdict,
  Workspace,
} from './schema'

/** What the server refused or could not do, in its words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** A DocType's file, its document as JSON. */
export type File = Omit<DocTypeFile, 'document'> & { readonly document: Values }

/** The server of the page. Every call fails with an [`ApiError`] in the server's words, or as `fetch` does. */
export interface Api {
  workspace(): Promise<Workspace>
  doctype(name: string): Promise<File>
  verdict(drafts: Drafts, signal: AbortSignal): Promise<Verdict>
  references(question: RenameQuestion, signal: AbortSignal): Promise<Reference[]>
  duplicates(question: DuplicatesQuestion): Promise<Duplicates>
  save(drafts: Drafts): Promise<Saved | Conflict>
  output(kind: OutputKind, part: OutputPart, drafts: Drafts): Promise<string>
  /** Tells the name of each DocType whose file changed on disk, '' for another file. The answer ends it. */
  events(changed: (doctype: string) => void): () => void
}

interface Answer<T> {
  readonly data?: T
  readonly error?: unknown
  readonly response: Response
}

/** What was answered, or an [`ApiError`]. */
export function dataOf<T>({ data, error, response }: Answer<T>): T {
  if (response.ok && data !== undefined) return data
  throw new ApiError(
    response.status,
    typeof error === 'string' && error !== '' ? error : `The server answers ${response.status}.`,
  )
}

/** What the server knows its own page by. */
export function token(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? ''
}

/** The server that the page came from. */
export function createApi(): Api {
  const client = createClient<paths>({ headers: { 'x-csrf-token': token() } })
  return {
    workspace: async () => dataOf(await client.GET('/api/workspace')),
    doctype: async (name) => dataOf(await client.GET('/api/doctypes/{name}', { params: { path: { name } } })) as File,
    verdict: async (body, signal) => dataOf(await client.POST('/api/verdict', { body, signal })),
    references: async (body, signal) => dataOf(await client.POST('/api/rename', { body, signal })),
    duplicates: async (body) => dataOf(await client.POST('/api/duplicates', { body })),
    async save(body) {
      const answer = await client.POST('/api/save', { body })
      if (answer.response.status === 409 && typeof answer.error === 'object') return answer.error as Conflict
      return dataOf(answer)
    },
    output: async (kind, part, body) =>
      dataOf(
        await client.POST('/api/output/{kind}', { params: { path: { kind }, query: { part } }, body, parseAs: 'text' }),
      ),
    events(changed) {
      const source = new EventSource('/api/events')
      source.addEventListener('changed', (event: MessageEvent<string>) => changed(event.data))
      return () => source.close()
    },
  }
}
