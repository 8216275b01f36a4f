import { computed, inject, type InjectionKey, ref, shallowRef } from 'vue'
import type { DashboardApi } from '../api/releases'
import type { OfferView, Release, Releases, SitePlan } from '../api/schema'
import { paced, type Paces } from '../model/dashboard/pace'
import { hashOf, type Place, placeOf } from '../model/dashboard/place'
import { measured, type Values } from '../model/dashboard/values'
import type { Notice } from './state'

/** Makes the dashboard of the page: what it shows, kept by what the server tells. */
export function createDashboard(api: DashboardApi) {
  const releases = shallowRef<Releases | null>(null)
  const place = shallowRef<Place | null>(placeOf(window.location.hash))
  const release = shallowRef<Release | null>(null)
  const gone = ref('')
  const listConnected = ref(true)
  const releaseConnected = ref(true)
  const now = ref(Date.now())
  const paces = shallowRef<Paces>(new Map())
  const values = shallowRef<Values>(new Map())
  const plans = shallowRef<SitePlan[] | null>(null)
  const planTrouble = ref('')
  const notice = shallowRef<Notice | null>(null)
  /** The command that is being said. */
  const saying = ref('')
  let closeRelease = () => {}
  let planHash = ''

  const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

  async function readPlan(of: Place, hash: string) {
    if (hash === planHash) return
    planHash = hash
    plans.value = null
    planTrouble.value = ''
    if (hash === '') return
    const isStill = () => planHash === hash && place.value === of
    try {
      const read = await api.plan(of)
      if (isStill()) plans.value = read
    } catch (error) {
      if (isStill()) planTrouble.value = wordsOf(error)
    }
  }

  function follow() {
    closeRelease()
    closeRelease = () => {}
    release.value = null
    gone.value = ''
    paces.value = new Map()
    values.value = new Map()
    plans.value = null
    planTrouble.value = ''
    planHash = ''
    const of = place.value
    if (of === null) return
    closeRelease = api.release(of, {
      told(next) {
        now.value = Date.now()
        paces.value = paced(paces.value, next.work, now.value)
        values.value = measured(values.value, next.analyses)
        release.value = next
        gone.value = ''
        void readPlan(of, next.plan?.hash ?? '')
      },
      gone(why) {
        release.value = null
        gone.value = why
      },
      connected: (is) => (releaseConnected.value = is),
    })
  }

  function go(next: Place | null) {
    window.location.hash = hashOf(next)
  }

  function moved() {
    place.value = placeOf(window.location.hash)
    follow()
  }

  /** Begins to show; what it answers ends it. */
  function start(): () => void {
    const tick = setInterval(() => (now.value = Date.now()), 1000)
    const closeList = api.releases({
      told: (next) => (releases.value = next),
      gone: (why) => (notice.value = { words: why, isFailure: true, more: [] }),
      connected: (is) => (listConnected.value = is),
    })
    window.addEventListener('hashchange', moved)
    follow()
    return () => {
      clearInterval(tick)
      closeList()
      closeRelease()
      window.removeEventListener('hashchange', moved)
    }
  }

  async function say(offer: OfferView) {
    const of = place.value
    if (of === null || saying.value !== '') return
    saying.value = offer.command
    try {
      const { words } = await api.say(of, offer)
      notice.value = { words, isFailure: false, more: [] }
    } catch (error) {
      notice.value = { words: wordsOf(error), isFailure: true, more: [] }
    } finally {
      saying.value = ''
    }
  }

  const tell = (words: string) => void (notice.value = { words, isFailure: false, more: [] })
  const connected = computed(() => listConnected.value && (place.value === null || releaseConnected.value))
  return {
    releases,
    place,
    release,
    gone,
    connected,
    now,
    paces,
    values,
    plans,
    planTrouble,
    notice,
    tell,
    saying,
    go,
    start,
    say,
  }
}

/** See [`createDashboard`]. */
export type Dashboard = ReturnType<typeof createDashboard>

/** Where components get the dashboard from. */
export const dashboardKey: InjectionKey<Dashboard> = Symbol('dashboard')

/** The dashboard of the page. */
export function useDashboard(): Dashboard {
  const dashboard = inject(dashboardKey)
  if (dashboard === undefined) throw new Error('no dashboard was provided')
  return dashboard
}
