import createClient from 'openapi-fetch'
import { dataOf, token } from './client'
import type { Place } from '../model/dashboard/place'
import type { OfferView, paths, Release, Releases, Said, SitePlan } from './schema'

/** What is told while a stream is open. */
export interface Listener<T> {
  readonly told: (what: T) => void
  /** Why there is nothing to tell. */
  readonly gone: (why: string) => void
  /** Whether the server is there. */
  readonly connected: (is: boolean) => void
}

/** The server of the dashboard. Calls fail with an [`ApiError`] in the server's words, or as `fetch` does; streams end by what they answer. */
export interface DashboardApi {
  releases(listener: Listener<Releases>): () => void
  release(place: Place, listener: Listener<Release>): () => void
  plan(place: Place): Promise<SitePlan[]>
  say(place: Place, offer: OfferView): Promise<Said>
}

function listen<T>(url: string, name: string, listener: Listener<T>): () => void {
  const source = new EventSource(url)
  source.addEventListener('open', () => listener.connected(true))
  // The browser asks again by itself.
  source.addEventListener('error', () => listener.connected(false))
  source.addEventListener(name, (event: MessageEvent<string>) => listener.told(JSON.parse(event.data) as T))
  source.addEventListener('gone', (event: MessageEvent<string>) => listener.gone(JSON.parse(event.data) as string))
  return () => source.close()
}

/** The server that the page came from. */
export function createDashboardApi(): DashboardApi {
  const client = createClient<paths>({ headers: { 'x-csrf-token': token() } })
  const of = ({ namespace, name }: Place) => `${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
  return {
    releases: (listener) => listen('/api/releases/events', 'releases', listener),
    release: (place, listener) => listen(`/api/releases/${of(place)}/events`, 'release', listener),
    plan: async (place) =>
      dataOf(await client.GET('/api/releases/{namespace}/{name}/plan', { params: { path: { ...place } } })),
    say: async (place, { command, mark }) =>
      dataOf(
        await client.POST('/api/releases/{namespace}/{name}/say', {
          params: { path: { ...place } },
          body: { command, mark },
        }),
      ),
  }
}
