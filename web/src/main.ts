import { createApp } from 'vue'
import { createRouter, createMemoryHistory } from 'vue-router'
import App from './App.vue'
import { createApi } from './api/client'
import { createEditor, editorKey } from './live/editor'
import { applyTheme } from './live/theme'
import './style.css'

applyTheme()

// frappe-ui's buttons ask for a router; the editor is one page.
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: App }] })
createApp(App).use(router).provide(editorKey, createEditor(createApi())).mount('#app')
