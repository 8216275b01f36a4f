import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'tests',
  projects: [
    { name: 'browser', testDir: 'tests/browser' },
    // What the scenario `editor` of the end-to-end suite runs, which then releases it.
    { name: 'release', testDir: 'tests/release' },
  ],
  outputDir: 'test-results',
  // The machine that this runs on has two cores, and each test a server of its own.
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: process.env.CI !== undefined,
  reporter: [['list']],
  use: {
    viewport: { width: 1440, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
    trace: 'retain-on-failure',
    launchOptions: {
      // No browser is downloaded: Debian's Chromium. As root it has no sandbox.
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
})
