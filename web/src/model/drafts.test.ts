import { describe, expect, it } from 'vitest'
import { fieldname, fromJson } from './document'
import {
  changedDrafts,
  create,
  draftState,
  edit,
  keepKeys,
  liveRenames,
  NO_DRAFTS,
  type OnDisk,
  open,
  remove,
  renameDocType,
  renameField,
} from './drafts'

const json = {
  name: 'Thing',
  module: 'Stock',
  fields: [
    { fieldname: 'a', fieldtype: 'Data' },
    { fieldname: 'b', fieldtype: 'Int' },
  ],
}
const file: OnDisk = { app: 'acme', digest: 'd', document: fromJson(json) }
const files = new Map([['Thing', file]])
const opened = open(NO_DRAFTS, 'Thing', file)
const key = file.document.fields[0]!.key

describe('drafts', () => {
  it('that were opened change nothing', () => expect(changedDrafts(opened, files)).toEqual([]))

  it('know what they do to the file', () => {
    const state = (drafts: typeof opened, id = 'Thing') => draftState(id, drafts.docs.get(id)!, files.get(id))
    expect(state(edit(opened, 'Thing', { kind: 'remove', keys: new Set([key]) }))).toBe('edited')
    expect(state(renameDocType(opened, 'Thing', 'Other'))).toBe('renamed')
    expect(state(remove(opened, 'Thing', true, true))).toBe('removed')
    expect(state(remove(remove(opened, 'Thing', true, true), 'Thing', false, true))).toBe('unchanged')
    expect(state(create(opened, 'New', 'acme', 'Stock', 'child'), 'New')).toBe('added')
  })

  it('forget a new DocType that is removed', () => {
    expect(remove(create(opened, 'New', 'acme', 'Stock', 'single'), 'New', true, false).docs.has('New')).toBe(false)
  })

  it('make one rename of several', () => {
    const once = renameField(opened, 'Thing', key, 'x', true)
    expect(liveRenames(once)).toEqual([{ id: 'Thing', from: 'a', to: 'x' }])
    const twice = renameField(once, 'Thing', key, 'y', true)
    expect(liveRenames(twice)).toEqual([{ id: 'Thing', from: 'a', to: 'y' }])
    const back = renameField(twice, 'Thing', key, 'a', true)
    expect(liveRenames(back)).toEqual([])
    expect(changedDrafts(back, files)).toEqual([])
  })

  it('declare nothing for a field that begins empty', () => {
    const other = renameField(opened, 'Thing', key, 'x', false)
    expect(liveRenames(other)).toEqual([])
    expect(fieldname(other.docs.get('Thing')!.document.fields[0]!)).toBe('x')
  })

  it('drop the rename of a field that is removed', () => {
    const renamed = renameField(opened, 'Thing', key, 'x', true)
    expect(liveRenames(edit(renamed, 'Thing', { kind: 'remove', keys: new Set([key]) }))).toEqual([])
  })

  it('keep the keys of fields when the file is read again', () => {
    const again = keepKeys(
      file.document,
      fromJson({ ...json, fields: [{ fieldname: 'n', fieldtype: 'Data' }, ...json.fields] }),
    )
    expect(again.fields[1]!.key).toBe(key)
  })
})
