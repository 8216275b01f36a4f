import { createApp } from 'vue'
import { createRouter, createMemoryHistory } from 'vue-router'
import App from './App.vue'
import DashboardApp from './DashboardApp.vue'
import { createApi } from './api/client'
import { createDashboardApi } from './api/releases'
import { createDashboard, dashboardKey } from './live/dashboard'
import { createEditor, editorKey } from './live/editor'
import { sayKey } from './live/say'
import { applyTheme } from './live/theme'
import './style.css'

applyTheme()

const isDashboard = document.querySelector<HTMLMetaElement>('meta[name="face"]')?.content === 'dashboard'
const face = isDashboard ? DashboardApp : App

// frappe-ui's buttons ask for a router; each face is one page.
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: face }] })
const app = createApp(face).use(router)
if (isDashboard) {
  const dashboard = createDashboard(createDashboardApi())
  app.provide(dashboardKey, dashboard).provide(sayKey, dashboard.tell)
} else {
  const editor = createEditor(createApi())
  app.provide(editorKey, editor).provide(sayKey, (words) => editor.say(words))
}
app.mount('#app')
