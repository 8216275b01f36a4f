import frappeUIPreset from 'frappe-ui/tailwind'

export default {
  presets: [frappeUIPreset],
  darkMode: ['selector', '[data-theme="dark"]'],
  theme: { extend: { screens: { '2xl': '1536px', '3xl': '1700px' } } },
  content: [
    './index.html',
    './src/**/*.{vue,ts}',
    './node_modules/frappe-ui/src/components/{Badge,Button,Checkbox,Dialog,Dropdown,ItemList,Switch,Tooltip}/**/*.{vue,ts}',
  ],
}
