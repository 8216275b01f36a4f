import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Json } from './app'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** An object as the API server takes it. */
export type Object = { [key: string]: Json }

/** A real etcd and kube-apiserver, with Crossfade's resource in it and nothing else: no operator, no controller, no node. */
export interface ApiServer {
  /** A kubeconfig that may do everything. */
  readonly admin: string
  /** A kubeconfig that may see releases, Jobs, Pods and ConfigMaps of a namespace, and change nothing. */
  viewer(namespace: string): string
  kubectl(words: readonly string[], input?: string): string
  /** Writes an object; its status too, as the operator does it. */
  put(object: Object): void
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Starts both, from the programs that the end-to-end tests build. */
export async function startApiServer(): Promise<ApiServer> {
  const programs = execFileSync(join(ROOT, 'e2e/bed/programs.sh'), { encoding: 'utf8' }).trim()
  const folder = mkdtempSync(join(tmpdir(), 'apiserver-'))
  const pki = join(folder, 'pki')
  execFileSync(join(ROOT, 'e2e/bed/pki.sh'), [pki, '127.0.0.1'])
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()]
  const admin = join(pki, 'admin.kubeconfig')
  writeFileSync(admin, readFileSync(admin, 'utf8').replace('127.0.0.1:6443', `127.0.0.1:${port}`))
  const children: ChildProcess[] = []
  const run = (program: string, words: readonly string[]) =>
    children.push(spawn(join(programs, program), words, { stdio: 'ignore' }))
  const [clients, peers] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`]
  run('etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync', '--log-level', 'error'],
    ...['--listen-client-urls', clients, '--advertise-client-urls', clients],
    ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `default=${peers}`],
  ])
  run('kube-apiserver', [
    ...['--bind-address', '127.0.0.1', '--secure-port', String(port), '--advertise-address', '127.0.0.1'],
    ...['--etcd-servers', clients, '--service-cluster-ip-range', '10.96.0.0/16', '--authorization-mode', 'RBAC'],
    ...['--client-ca-file', join(pki, 'ca.crt'), '--tls-cert-file', join(pki, 'apiserver.crt')],
    ...['--tls-private-key-file', join(pki, 'apiserver.key'), '--endpoint-reconciler-type', 'none'],
    ...[
      '--service-account-issuer',
      'https://kubernetes.default.svc',
      '--service-account-key-file',
      join(pki, 'sa.pub'),
    ],
    ...['--service-account-signing-key-file', join(pki, 'sa.key')],
  ])
  const kubectl = (words: readonly string[], input?: string) =>
    execFileSync(join(programs, 'kubectl'), ['--kubeconfig', admin, ...words], {
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input }),
    })
  const ends = children.map((child) => new Promise<void>((resolve) => child.once('exit', () => resolve())))
  const stop = async () => {
    for (const child of children.reverse()) child.kill('SIGTERM')
    await Promise.all(ends)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until('the API server is ready', () => kubectl(['get', '--raw', '/readyz']) === 'ok')
    kubectl(['apply', '--server-side', '-f', join(ROOT, 'crds')])
    // A resource that has no status yet is an error to `kubectl wait`.
    await until('the resource is known', () => kubectl(['get', 'frappereleases.crossfade.dev', '-A']) !== null)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    admin,
    kubectl,
    stop,
    put(object) {
      const text = JSON.stringify(object)
      kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], text)
      if (object['status'] !== undefined) {
        kubectl(['apply', '--server-side', '--force-conflicts', '--subresource=status', '-f', '-'], text)
      }
    },
    viewer(namespace) {
      const of = ['-n', namespace]
      const seen = 'frappereleases.crossfade.dev,jobs.batch,pods,configmaps'
      kubectl([...of, 'create', 'serviceaccount', 'viewer'])
      kubectl([...of, 'create', 'role', 'viewer', '--verb=get,list,watch', `--resource=${seen}`])
      kubectl([...of, 'create', 'rolebinding', 'viewer', '--role=viewer', `--serviceaccount=${namespace}:viewer`])
      const token = kubectl([...of, 'create', 'token', 'viewer']).trim()
      const path = join(folder, 'viewer.kubeconfig')
      writeFileSync(path, readFileSync(admin, 'utf8').replace(/user: \{.*\}\}\]/, `user: {token: ${token}}}]`))
      return path
    },
  }
}

/** Looks again until it holds; a look that fails is one that does not hold yet. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 120_000
  for (;;) {
    try {
      if (holds()) return
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${String(error)}`)
    }
    if (Date.now() > end) throw new Error(`not within 120 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/** A release with the status that the operator writes in a state: the fixtures are written by the decisions themselves. */
export function fixture(server: ApiServer, state: string, name: string, namespace: string): Object {
  const path = join(ROOT, 'argocd/crossfade.dev/FrappeRelease/testdata', `${state}.yaml`)
  const text = server.kubectl(['create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', path])
  const object = JSON.parse(text) as { metadata: Object; spec: Json; status: Json }
  return {
    apiVersion: 'crossfade.dev/v1alpha1',
    kind: 'FrappeRelease',
    metadata: { name, namespace },
    spec: object.spec,
    status: object.status,
  }
}

/** A ConfigMap with a plan, as the operator stores it. */
export function storedPlan(plan: Json, release: string, namespace: string, revision: number): Object {
  const { site, hash, verdict, summary } = plan as { site: string; hash: string; verdict: string; summary: string }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `${release}-r${revision}-plan-site`,
      namespace,
      labels: { 'crossfade.dev/release': release, 'crossfade.dev/revision': String(revision) },
      annotations: {
        'crossfade.dev/site': site,
        'crossfade.dev/plan-hash': hash,
        'crossfade.dev/plan-verdict': verdict,
        'crossfade.dev/plan-summary': summary,
      },
    },
    binaryData: { 'plan.json.gz': gzipSync(JSON.stringify(plan)).toString('base64') },
  }
}
