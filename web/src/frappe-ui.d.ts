/** The parts of frappe-ui that the editor uses; its sources do not pass the strict compiler that reads them along. */
import type { Component, DefineComponent, SlotsType } from 'vue'

type Size = 'sm' | 'md' | 'lg' | 'xl'

export const Badge: DefineComponent<{
  label?: string
  theme?: 'gray' | 'blue' | 'green' | 'orange' | 'red'
  size?: 'sm' | 'md' | 'lg'
  variant?: 'solid' | 'subtle' | 'outline' | 'ghost'
}>

export const Button: DefineComponent<{
  label?: string
  theme?: 'gray' | 'blue' | 'green' | 'red'
  size?: Size | '2xl'
  variant?: 'solid' | 'subtle' | 'outline' | 'ghost'
  icon?: string | Component
  iconLeft?: string | Component
  iconRight?: string | Component
  tooltip?: string
  loading?: boolean
  disabled?: boolean
  type?: 'button' | 'submit'
}>

export const Checkbox: DefineComponent<
  { modelValue?: boolean | number; label?: string; size?: 'sm' | 'md'; disabled?: boolean; id?: string },
  object,
  object,
  object,
  object,
  object,
  object,
  { 'update:modelValue': (checked: boolean) => void }
>

export const Dialog: DefineComponent<
  { modelValue: boolean; options?: { title?: string; size?: string }; disableOutsideClickToClose?: boolean },
  object,
  object,
  object,
  object,
  object,
  object,
  { 'update:modelValue': (open: boolean) => void; 'after-leave': () => void },
  string,
  object,
  object,
  SlotsType<{
    body?: () => void
    'body-header'?: () => void
    'body-content'?: () => void
    actions?: { close: () => void }
  }>
>

/** A line of a menu. */
export interface MenuItem {
  label: string
  icon?: string
  disabled?: boolean
  theme?: 'gray' | 'red'
  selected?: boolean
  onClick?: () => void
}

export const Dropdown: DefineComponent<{
  options?: (MenuItem | { group: string; hideLabel?: boolean; items: MenuItem[] })[]
  placement?: 'left' | 'right' | 'center'
  button?: { label: string; icon?: string; variant?: string }
}>
