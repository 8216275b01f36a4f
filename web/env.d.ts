/// <reference types="vite/client" />

declare module 'frappe-ui/vite' {
  import type { PluginOption } from 'vite'
  const frappeui: (options: Record<string, boolean>) => PluginOption
  export default frappeui
}
