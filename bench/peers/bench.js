// Replays an editing trace through each peer and prints one line a figure: name, value, unit.
//
//   node bench.js TRACE.json.gz [PEER ...]
//
// Every phase runs in a process of its own, so that none inherits another's heap or warmth.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'

const loads = 9 // of which the best counts
const maps = 100 // of which each has a property set in turn
const sets = 20_000

function main([trace, ...names]) {
  if (!trace) throw new Error('usage: node bench.js TRACE.json.gz [PEER ...]')
  const known = ['yjs', 'loro-crdt', '@automerge/automerge']
  for (const name of names.length ? names : known) {
    const folder = mkdtempSync(join(tmpdir(), 'peers-'))
    try {
      for (const phase of ['edit', 'fold', 'load', 'set']) run(phase, name, trace, folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

function run(phase, name, trace, folder) {
  const args = ['--expose-gc', '--max-old-space-size=4096', fileURLToPath(import.meta.url), `--${phase}`, name, trace, folder]
  process.stdout.write(execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }))
}

const phases = {
  edit(peer, print, { patches, end }, folder) {
    const [doc, time] = timed(() => peer.edit(patches))
    check(peer, doc, end)
    printTime(print, 'edit', time)
    const raw = peer.save(doc)
    const saved = gzipSync(raw, { level: 9 })
    print('state', saved.length, 'B')
    print('state-raw', raw.length, 'B')
    if (peer.saveAll) print('state+history', gzipSync(peer.saveAll(doc), { level: 9 }).length, 'B')
    writeFileSync(join(folder, 'state.gz'), saved)
  },

  fold(peer, print, { patches, end }) {
    const updates = []
    peer.edit(patches, (update) => updates.push(update))
    gc()
    const [text, time] = timed(() => peer.text(peer.fold(updates)))
    if (text !== end) throw new Error('the text differs from the recorded end')
    printTime(print, 'read+fold', time)
  },

  load(peer, print, { end }, folder) {
    const saved = readFileSync(join(folder, 'state.gz'))
    const before = memory()
    const held = []
    const first = timed(() => read(peer, gunzipSync(saved), held))[1]
    const after = memory()
    check(peer, held[0], end)
    print('load-first', first.ms, 'ms')
    print('heap', after - before, 'B')
    print('load', best(() => read(peer, gunzipSync(saved), [])), 'ms')
    const raw = gunzipSync(saved)
    print('load-raw', best(() => read(peer, raw, [])), 'ms')
  },

  set(peer, print) {
    const updates = []
    peer.set(maps, sets, (update) => updates.push(update))
    const times = Array.from({ length: loads }, () => {
      gc()
      const [doc, { ms }] = timed(() => peer.fold(updates))
      if (peer.seen(doc, maps - 1) !== sets - 1) throw new Error('the last set is not seen')
      return ms
    })
    print('read+set', (Math.min(...times) * 1e6) / sets, 'ns')
  },
}

function printTime(print, figure, { ms, cpu }) {
  print(figure, ms, 'ms')
  print(`${figure}-cpu`, cpu, 'ms')
}

function best(work) {
  return Math.min(...Array.from({ length: loads }, () => timed(work)[1].ms))
}

function read(peer, raw, held) {
  const doc = peer.load(raw)
  if (!peer.text(doc)) throw new Error('the text is empty')
  held.push(doc)
}

// timed answers what the work answers, and the time it took: on the clock, and of all threads of the process.
function timed(work) {
  const used = process.cpuUsage()
  const start = process.hrtime.bigint()
  const result = work()
  const ms = Number(process.hrtime.bigint() - start) / 1e6
  const { user, system } = process.cpuUsage(used)
  return [result, { ms, cpu: (user + system) / 1e3 }]
}

function check(peer, doc, end) {
  if (peer.text(doc) !== end) throw new Error('the text differs from the recorded end')
}

// memory is the bytes in use after a collection: on the JavaScript heap, in buffers, and in the memories of WebAssembly,
// which only grow.
function memory() {
  gc()
  gc()
  const m = process.memoryUsage()
  const wasm = memories.reduce((sum, each) => sum + each.buffer.byteLength, 0)
  return m.heapUsed + Math.max(0, m.arrayBuffers - wasm) + wasm
}

const memories = []

// watchMemories notes each WebAssembly memory, made here or by a module.
function watchMemories() {
  const note = (instance) => {
    for (const value of Object.values(instance.exports)) if (value instanceof WebAssembly.Memory) memories.push(value)
  }
  const Instance = WebAssembly.Instance
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, args) {
      const instance = new target(...args)
      note(instance)
      return instance
    },
  })
  const instantiate = WebAssembly.instantiate
  WebAssembly.instantiate = async (...args) => {
    const result = await instantiate.apply(WebAssembly, args)
    note(result.instance ?? result)
    return result
  }
}

async function work([option, name, file, folder]) {
  watchMemories()
  const peer = (await import('./peers.js')).peers[name]
  if (!peer) throw new Error(`no peer is named ${name}`)
  const { txns, endContent: end } = JSON.parse(gunzipSync(readFileSync(file)))
  const trace = { patches: txns.flatMap((txn) => txn.patches), end }
  const print = (figure, value, unit) => console.log(`peers/${name}/${figure} ${+value.toPrecision(6)} ${unit}`)
  phases[option.slice(2)](peer, print, trace, folder)
}

const args = process.argv.slice(2)
if (args[0]?.startsWith('--')) await work(args)
else main(args)
