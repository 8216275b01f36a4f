import { ref } from 'vue'

/** Light, dark, or as the system is. */
export type Theme = 'light' | 'dark' | 'system'

const NAME = 'crossfade-theme'
const dark = window.matchMedia('(prefers-color-scheme: dark)')

/** What was chosen; kept by the browser. */
export const theme = ref<Theme>(stored())

function stored(): Theme {
  try {
    const kept = localStorage.getItem(NAME)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    // Storage may be closed to the page: then the choice lasts as long as the page.
    return 'system'
  }
}

/** Shows the page in the theme, now and whenever the system's changes. */
export function applyTheme(): void {
  const shown = theme.value === 'system' ? (dark.matches ? 'dark' : 'light') : theme.value
  document.documentElement.dataset['theme'] = shown
}

dark.addEventListener('change', applyTheme)

/** Chooses a theme. */
export function setTheme(next: Theme): void {
  theme.value = next
  applyTheme()
  try {
    localStorage.setItem(NAME, next)
  } catch {
    return
  }
}
