import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'

/** What a scenario of the end-to-end suite says to the test that it runs. */
export function said(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: this test is run by a scenario of the end-to-end suite`)
  return value
}

/** Draws a picture of the documentation if it is asked for by SCREENSHOTS=1: fonts differ between machines. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS === undefined) return
  await page.screenshot({ path: fileURLToPath(new URL(`../../../docs/images/${name}.png`, import.meta.url)) })
}
