// What the benchmark asks of each peer: one document with one text.
//
// edit applies patches [position, deleted, inserted] one by one, each a transaction of its own, and hands each
// transaction's update to the callback, if there is one. fold takes all such updates in, by the call that is fastest
// for many at once. set makes a document of some maps and sets the property n of each in turn, also with an update for
// each; seen is what a map shows. save answers the document as bytes; load reads them. text is what the document shows.

import * as Automerge from '@automerge/automerge'
import { LoroDoc } from 'loro-crdt'
import * as Y from 'yjs'

export const peers = {
  yjs: {
    edit(patches, onUpdate) {
      const doc = new Y.Doc()
      if (onUpdate) doc.on('update', onUpdate)
      const text = doc.getText('text')
      for (const [at, deleted, inserted] of patches) {
        doc.transact(() => {
          if (deleted) text.delete(at, deleted)
          if (inserted) text.insert(at, inserted)
        })
      }
      return doc
    },
    fold(updates) {
      const doc = new Y.Doc()
      doc.transact(() => {
        for (const update of updates) Y.applyUpdate(doc, update)
      })
      return doc
    },
    save: (doc) => Y.encodeStateAsUpdate(doc),
    load(data) {
      const doc = new Y.Doc()
      Y.applyUpdate(doc, data)
      return doc
    },
    text: (doc) => doc.getText('text').toString(),
    set(maps, times, onUpdate) {
      const doc = new Y.Doc()
      doc.on('update', onUpdate)
      for (let i = 0; i < times; i++) doc.getMap(String(i % maps)).set('n', i)
      return doc
    },
    seen: (doc, map) => doc.getMap(String(map)).get('n'),
  },

  'loro-crdt': {
    edit(patches, onUpdate) {
      const doc = new LoroDoc()
      if (onUpdate) doc.subscribeLocalUpdates(onUpdate)
      const text = doc.getText('text')
      for (const [at, deleted, inserted] of patches) {
        if (deleted) text.delete(at, deleted)
        if (inserted) text.insert(at, inserted)
        doc.commit()
      }
      return doc
    },
    fold(updates) {
      const doc = new LoroDoc()
      for (const update of updates) doc.import(update)
      return doc
    },
    // A shallow snapshot: the state without the history, which is what our state is.
    save: (doc) => doc.export({ mode: 'shallow-snapshot', frontiers: doc.frontiers() }),
    saveAll: (doc) => doc.export({ mode: 'snapshot' }),
    load: (data) => LoroDoc.fromSnapshot(data),
    text: (doc) => doc.getText('text').toString(),
    set(maps, times, onUpdate) {
      const doc = new LoroDoc()
      doc.subscribeLocalUpdates(onUpdate)
      for (let i = 0; i < times; i++) {
        doc.getMap(String(i % maps)).set('n', i)
        doc.commit()
      }
      return doc
    },
    seen: (doc, map) => doc.getMap(String(map)).get('n'),
  },

  '@automerge/automerge': {
    edit(patches, onUpdate) {
      let doc = Automerge.from({ text: '' })
      onUpdate?.(Automerge.getLastLocalChange(doc))
      for (const [at, deleted, inserted] of patches) {
        doc = Automerge.change(doc, (d) => Automerge.splice(d, ['text'], at, deleted, inserted))
        onUpdate?.(Automerge.getLastLocalChange(doc))
      }
      return doc
    },
    fold(updates) {
      const [doc] = Automerge.applyChanges(Automerge.init(), updates)
      return doc
    },
    save: (doc) => Automerge.save(doc),
    load: (data) => Automerge.load(data),
    text: (doc) => doc.text,
    set(maps, times, onUpdate) {
      let doc = Automerge.from(Object.fromEntries(Array.from({ length: maps }, (_, i) => [i, {}])))
      onUpdate(Automerge.getLastLocalChange(doc))
      for (let i = 0; i < times; i++) {
        doc = Automerge.change(doc, (d) => {
          d[i % maps].n = i
        })
        onUpdate(Automerge.getLastLocalChange(doc))
      }
      return doc
    },
    seen: (doc, map) => doc[map].n,
  },
}
