import { computed, type ComputedRef, ref } from 'vue'
import { type Field, fieldname } from '../model/document'
import type { Draft } from '../model/drafts'
import { copyField, type Edit, newField } from '../model/edit'
import type { ListCommand } from '../model/keys'
import { afterRemoval, goBy, goTo, moveTarget, only, type Selection, toggle } from '../model/selection'
import { useEditor } from './editor'

/** How a view of fields shows what the actions do. */
export interface FieldView {
  readonly id: string
  draft(): Draft
  /** The fields that the view shows, in its order. */
  readonly fields: ComputedRef<readonly Field[]>
  /** Whether all fields are shown: otherwise nobody sees where a move goes. */
  isWhole(): boolean
  /** Makes every field visible again. */
  showAll(): void
  /** Brings the field of the cursor into view. */
  reveal(key: number): void
  /** Opens a field's properties, with one of them in focus. */
  open(key: number, property: 'label' | 'fieldtype'): void
  rename(field: Field): void
  /** Puts the focus back on the view. */
  focus(): void
}

/** What keys, buttons and the mouse do with the fields of a DocType, the same in every view of them. */
export function useFieldActions(view: FieldView) {
  const editor = useEditor()
  const all = computed(() => view.draft().document.fields)
  const selection = computed(() => editor.selection(view.id))
  const place = computed(() => new Map(all.value.map((field, index) => [field.key, index])))
  /** Where what is dragged would go; null while nothing is. */
  const dropAt = ref<number | null>(null)

  function edit(change: Edit) {
    if (!view.draft().removed) editor.edit(view.id, change)
  }

  function select(next: Selection) {
    editor.select(view.id, next)
    if (next.cursor !== null) view.reveal(next.cursor)
  }

  function add(type = 'Data') {
    if (view.draft().removed) return
    const { cursor } = selection.value
    const at = cursor === null ? all.value.length : (place.value.get(cursor) ?? all.value.length - 1) + 1
    const field = newField(view.draft().document, type, '')
    view.showAll()
    edit({ kind: 'add', at, fields: [field] })
    select(only(field.key))
    view.open(field.key, 'label')
  }

  function duplicate() {
    const chosen = all.value.filter(({ key }) => selection.value.keys.has(key))
    const last = chosen.at(-1)
    if (last === undefined || view.draft().removed) return
    let document = view.draft().document
    const copies = chosen.map((field) => {
      const copy = copyField(document, field)
      document = { ...document, fields: [...document.fields, copy] }
      return copy
    })
    edit({ kind: 'add', at: (place.value.get(last.key) ?? 0) + 1, fields: copies })
    select({ ...only(copies[0]?.key ?? null), keys: new Set(copies.map(({ key }) => key)) })
  }

  function removeSelected() {
    if (selection.value.keys.size === 0 || view.draft().removed) return
    const next = afterRemoval(selection.value, view.fields.value)
    edit({ kind: 'remove', keys: selection.value.keys })
    select(next)
    view.focus()
  }

  function move(by: -1 | 1) {
    const to = moveTarget(selection.value, all.value, by)
    if (to === null || !view.isWhole()) return
    edit({ kind: 'move', keys: selection.value.keys, to })
    select(selection.value)
  }

  function withCursor(act: (field: Field) => void) {
    const field = all.value.find(({ key }) => key === selection.value.cursor)
    if (field !== undefined) act(field)
  }

  function rename(field: Field) {
    if (!view.draft().removed) view.rename(field)
  }

  function run(command: ListCommand) {
    const fields = view.fields.value
    switch (command.do) {
      case 'go':
        return select(goBy(selection.value, fields, command.by, command.extend))
      case 'end':
        return select(goTo(selection.value, fields, command.last ? fields.length - 1 : 0, command.extend))
      case 'move':
        return move(command.by)
      case 'add':
        return add()
      case 'edit':
        return withCursor(({ key }) => view.open(key, 'label'))
      case 'type':
        return withCursor(({ key }) => view.open(key, 'fieldtype'))
      case 'rename':
        return withCursor(rename)
      case 'remove':
        return removeSelected()
      case 'duplicate':
        return duplicate()
      case 'all':
        return editor.select(view.id, { ...selection.value, keys: new Set(fields.map(({ key }) => key)) })
    }
  }

  /** Selects what was clicked; whether it was a plain click. */
  function pick(field: Field, event: MouseEvent): boolean {
    if (event.shiftKey) select(goTo(selection.value, view.fields.value, view.fields.value.indexOf(field), true))
    else if (event.ctrlKey || event.metaKey) editor.select(view.id, toggle(selection.value, field.key))
    else {
      editor.select(view.id, only(field.key))
      return true
    }
    view.focus()
    return false
  }

  function startDrag(field: Field, event: DragEvent) {
    if (!selection.value.keys.has(field.key)) editor.select(view.id, only(field.key))
    event.dataTransfer?.setData('text/plain', fieldname(field))
    if (event.dataTransfer) event.dataTransfer.effectAllowed = 'move'
    dropAt.value = place.value.get(field.key) ?? null
  }

  /** Over a field: before or behind it, whichever half the pointer is in. */
  function dragOver(field: Field, event: DragEvent) {
    if (dropAt.value === null) return
    event.preventDefault()
    event.stopPropagation()
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    const index = place.value.get(field.key) ?? 0
    dropAt.value = event.clientY > box.top + box.height / 2 ? index + 1 : index
  }

  function drop(event: DragEvent) {
    if (dropAt.value === null) return
    event.preventDefault()
    edit({ kind: 'move', keys: selection.value.keys, to: dropAt.value })
    dropAt.value = null
    view.focus()
  }

  function beginAtFirst() {
    const first = all.value[0]
    if (selection.value.cursor === null && first !== undefined) editor.select(view.id, only(first.key))
    else if (selection.value.cursor !== null) select(selection.value)
  }

  return {
    all,
    selection,
    place,
    dropAt,
    select,
    add,
    duplicate,
    removeSelected,
    rename,
    run,
    pick,
    startDrag,
    dragOver,
    drop,
    beginAtFirst,
  }
}
