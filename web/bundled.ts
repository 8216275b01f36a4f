// What the page holds of other packages: their list for the bill of materials, and a build that fails when the licence of
// one is none of those that ../deny.toml allows.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import license, { type Dependency } from 'rollup-plugin-license'
import type { Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** What gets into the page without a module of its own: rules of the style sheet, and drawn icons. */
const WITHOUT_MODULE = ['@tailwindcss/forms', 'lucide-static', 'tailwindcss']

/** The licences that deny.toml allows, as one expression of SPDX. */
function allowed(): string {
  const list = readFileSync(here('../deny.toml'), 'utf8').match(/^allow = \[\n(.*?)^\]/ms)?.[1] ?? ''
  const licences = [...list.matchAll(/^ *"([^"]+)"/gm)].map((line) => line[1])
  if (licences.length === 0) throw new Error('deny.toml: found no list "allow" of licences')
  return `(${licences.join(' OR ')})`
}

function list(packages: Dependency[]): string {
  const all = packages.map(({ name, version, license }) => ({ name, version, license }))
  const key = (one: (typeof all)[0]) => `${one.name}@${one.version}`
  all.sort((a, b) => (key(a) < key(b) ? -1 : 1))
  return JSON.stringify(all, null, 2)
}

/** Writes name, version and licence of each package that the page holds something of to bundled.json, beside dist. */
export function bundled(): Plugin {
  const packages = license({
    sourcemap: false,
    thirdParty: {
      multipleVersions: true,
      allow: { test: allowed(), failOnUnlicensed: true, failOnViolation: true },
      output: { file: here('bundled.json'), template: list },
    },
  })
  const found = packages.renderChunk as (code: string, chunk: { modules: object }) => void
  const modules = WITHOUT_MODULE.map((name) => [here(`node_modules/${name}/package.json`), { renderedLength: 1 }])
  return {
    ...packages,
    apply: 'build',
    buildStart: () => found('', { modules: Object.fromEntries(modules) }),
  } as Plugin
}
