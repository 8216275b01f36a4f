// What the editor uses of frappe-ui, taken file by file: the package's index has side effects and 2 MB more.
export { default as Badge } from 'frappe-ui-components/Badge/Badge.vue'
export { default as Button } from 'frappe-ui-components/Button/Button.vue'
export { default as Checkbox } from 'frappe-ui-components/Checkbox/Checkbox.vue'
export { default as Dialog } from 'frappe-ui-components/Dialog/Dialog.vue'
export { default as Dropdown } from 'frappe-ui-components/Dropdown/Dropdown.vue'
