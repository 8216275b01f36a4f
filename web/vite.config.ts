import vue from '@vitejs/plugin-vue'
import frappeui from 'frappe-ui/vite'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { bundled } from './bundled'

export default defineConfig({
  plugins: [
    // Of frappe-ui's plugin only the icons: the rest is for pages that a Frappe site serves.
    frappeui({ lucideIcons: true, frappeProxy: false, jinjaBootData: false, buildConfig: false }),
    vue(),
    bundled(),
  ],
  resolve: {
    alias: [
      // The package's index drags a text editor and a chart library along; src/frappe-ui.js names what is used.
      { find: /^frappe-ui$/, replacement: fileURLToPath(new URL('src/frappe-ui.js', import.meta.url)) },
      {
        find: /^frappe-ui-components/,
        replacement: fileURLToPath(new URL('node_modules/frappe-ui/src/components', import.meta.url)),
      },
    ],
  },
  build: {
    outDir: 'dist',
    target: 'es2022',
    // The page's policy has no data: for fonts and no inline script.
    assetsInlineLimit: 0,
    // One page, loaded from this machine: parts would only be more requests.
    chunkSizeWarningLimit: 1000,
    modulePreload: { polyfill: false },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
