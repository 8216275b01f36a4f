import { expect, type Page, test as base } from '@playwright/test'
import { spawnSync } from 'node:child_process'
import { ACME, type Json, makeApp } from './app'
import { type ApiServer, fixture, type Object, startApiServer, storedPlan } from './apiserver'
import { noComplaints } from './complaints'
import { BINARY, type Server, start } from './editor'

export const NAMESPACE = 'erp'

/** Starts the dashboard with a kubeconfig. */
export function dashboard(kubeconfig: string, ...more: string[]): Promise<Server> {
  return start(['dashboard', '-n', NAMESPACE, '--port', '0', ...more], { ...process.env, KUBECONFIG: kubeconfig })
}

/** Says something to a release as the page does, whatever buttons it has; gives status and text of the answer. */
export function say(page: Page, release: string, words: { command: string; mark: string }): Promise<[number, string]> {
  return page.evaluate(
    async ([path, body]) => {
      const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? ''
      const headers = { 'content-type': 'application/json', 'x-csrf-token': token }
      const said = await fetch(path, { method: 'POST', headers, body })
      return [said.status, await said.text()] as [number, string]
    },
    [`/api/releases/${NAMESPACE}/${release}/say`, JSON.stringify(words)] as const,
  )
}

/** The API server with releases in several states: `erp` is the one that tests look at. */
export async function cluster(): Promise<ApiServer> {
  const server = await startApiServer()
  server.kubectl(['create', 'namespace', NAMESPACE])
  // No controller makes it here, and no Pod is taken without it.
  server.kubectl(['-n', NAMESPACE, 'create', 'serviceaccount', 'default'])
  for (const [name, state] of [
    ['crm', 'complete'],
    ['lms', 'job_failed'],
    ['shop', 'approval_steps'],
  ] as const) {
    server.put(fixture(server, state, name, NAMESPACE))
  }
  return server
}

/** The status of a release with some fields replaced. */
export function withStatus(object: Object, fields: Object): Object {
  return { ...object, status: { ...(object['status'] as Object), ...fields } }
}

const of = (component: string, revision: number) => ({
  'crossfade.dev/release': 'erp',
  'crossfade.dev/revision': String(revision),
  'crossfade.dev/component': component,
})

/** A Pod of `erp` as a kubelet tells it. */
export function pod(component: string, revision: number, isReady: boolean): Object {
  const waiting = { waiting: { reason: 'ImagePullBackOff' } }
  const running = { running: { startedAt: '2026-01-05T09:00:00Z' } }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `erp-r${revision}-${component}`, namespace: NAMESPACE, labels: of(component, revision) },
    spec: { containers: [{ name: component, image: 'registry.example.com/erp:v15.42.0' }] },
    status: {
      phase: isReady ? 'Running' : 'Pending',
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
      containerStatuses: [
        {
          name: component,
          image: 'registry.example.com/erp:v15.42.0',
          imageID: '',
          ready: isReady,
          restartCount: 0,
          state: isReady ? running : waiting,
        },
      ],
    },
  }
}

/** An event of `erp`. */
export function happened(name: string, reason: string, message: string, at: string, type = 'Normal'): Object {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: NAMESPACE },
    involvedObject: {
      apiVersion: 'crossfade.dev/v1alpha1',
      kind: 'FrappeRelease',
      name: 'erp',
      namespace: NAMESPACE,
    },
    reason,
    message,
    type,
    eventTime: at,
    action: reason,
    reportingComponent: 'crossfade',
    reportingInstance: 'crossfade',
  }
}

/** A plan as `crossfade plan` makes it of two versions of an app. */
export function plan(site: string): Json {
  const before = makeApp(ACME)
  const after = makeApp(
    ACME.map((doc) => ({
      ...doc,
      fields: (doc['fields'] as { [key: string]: Json }[]).map((field) =>
        field['fieldname'] === 'credit_limit' ? { ...field, fieldtype: 'Int' } : field,
      ),
    })),
  )
  try {
    const words = ['--output', 'json', 'plan', '--blue', before.path, '--green', after.path, '--site', site]
    // Its exit code is the verdict's.
    return JSON.parse(spawnSync(BINARY, words, { encoding: 'utf8' }).stdout) as Json
  } finally {
    before.remove()
    after.remove()
  }
}

export { storedPlan }

/** Tests of one file share an API server: it takes seconds to start, and each test has releases of its own. */
export const test = base.extend<{ complaints: string[] }, { api: ApiServer }>({
  api: [
    async ({}, use) => {
      const api = await cluster()
      await use(api)
      await api.stop()
    },
    { scope: 'worker', timeout: 240_000 },
  ],
  complaints: noComplaints,
})

export { expect }
