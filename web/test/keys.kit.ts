import type { CDPSession, Page } from 'playwright-core'

/** One message between the page and the worker that holds the keys, as bytes. */
export type Said = { readonly way: 'to the worker' | 'from the worker'; readonly bytes: Buffer }

/** Hears every message that the page exchanges with workers. Before the page is opened. */
export async function watchWorker(page: Page, said: Said[]): Promise<void> {
  await page.exposeFunction('keepwellHeard', (way: Said['way'], base64: string) => said.push({ way, bytes: Buffer.from(base64, 'base64') }))
  await page.addInitScript(() => {
    const tell = Reflect.get(window, 'keepwellHeard') as (way: string, base64: string) => void
    const bytesOf = (value: unknown): Uint8Array[] => {
      const text = (t: string) => new TextEncoder().encode(`${t} `)
      if (ArrayBuffer.isView(value)) return [new Uint8Array(value.buffer, value.byteOffset, value.byteLength), text('')]
      if (value instanceof ArrayBuffer) return [new Uint8Array(value), text('')]
      if (Array.isArray(value) || value instanceof Map || value instanceof Set) return [...value].flatMap(bytesOf)
      if (value instanceof CryptoKey) return [text('CryptoKey')]
      if (value !== null && typeof value === 'object') return Object.entries(value).flatMap(([k, v]) => [text(k), ...bytesOf(v)])
      return [text(String(value))]
    }
    const heard = (way: string, value: unknown): void => {
      let latin = ''
      for (const part of bytesOf(value)) for (const byte of part) latin += String.fromCharCode(byte)
      tell(way, btoa(latin))
    }
    const plain = Worker.prototype.postMessage
    Worker.prototype.postMessage = function (this: Worker, ...sent: unknown[]) {
      heard('to the worker', sent[0])
      Reflect.apply(plain, this, sent)
    }
    window.Worker = new Proxy(Worker, {
      construct(target, input) {
        const worker: Worker = Reflect.construct(target, input)
        worker.addEventListener('message', e => heard('from the worker', e.data))
        return worker
      },
    })
  })
}

/** A picture of a heap, in V8’s format (`.heapsnapshot`), as far as it is asked for here. */
type Snapshot = {
  readonly snapshot: { readonly meta: { readonly node_fields: string[]; readonly node_types: [string[]]; readonly edge_types: [string[]] } }
  readonly nodes: readonly number[]
  readonly edges: readonly number[]
  readonly strings: readonly string[]
}

export type Heap = {
  /** Every string: of code, properties, closures and elements. */
  readonly strings: Buffer
  /** Every array whose elements are bytes, or words, one after the other. */
  readonly arrays: Buffer
  /** Every buffer, view and key, with what refers to it. Their contents are in no such picture, so there should be none. */
  readonly holders: readonly string[]
}

/** All that the page’s own realm holds once everything that nothing refers to was thrown away. Workers have heaps of their own. */
export async function heapOf(page: Page): Promise<Heap> {
  const session = await page.context().newCDPSession(page)
  const chunks: string[] = []
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => void chunks.push(chunk))
  await session.send('HeapProfiler.collectGarbage')
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  const taken = JSON.parse(chunks.join('')) as Snapshot
  const heap = { strings: Buffer.from(taken.strings.join('\n')), arrays: await arraysOf(session), holders: holdersOf(taken) }
  await session.detach()
  return heap
}

const HOLDER = /^((Big)?(Uint|Int|Float)\d+(Clamped)?Array|(Shared)?ArrayBuffer|DataView|CryptoKey|WebAssembly.Memory|Memory)$/

function holdersOf({ snapshot: { meta }, nodes, edges, strings }: Snapshot): string[] {
  const width = meta.node_fields.length
  const edgesOf = meta.node_fields.indexOf('edge_count')
  const typeOf = (node: number): string => meta.node_types[0][nodes[node]!]!
  const nameOf = (node: number): string => strings[nodes[node + 1]!]!
  const holders = new Map<number, string[]>()
  for (let at = 0; at < nodes.length; at += width) if (typeOf(at) === 'object' && HOLDER.test(nameOf(at))) holders.set(at, [])
  for (let at = 0, edge = 0; at < nodes.length; at += width)
    for (const end = edge + 3 * nodes[at + edgesOf]!; edge < end; edge += 3) {
      const kind = meta.edge_types[0][edges[edge]!]!
      const name = kind === 'element' || kind === 'hidden' ? edges[edge + 1]! : strings[edges[edge + 1]!]!
      holders.get(edges[edge + 2]!)?.push(`${kind} ${name} of ${typeOf(at)} ${nameOf(at)}`)
    }
  // Each class has a first object of its own, which holds nothing.
  return [...holders].flatMap(([at, by]) =>
    by.some(b => b.startsWith('property prototype of closure'))
      ? []
      : [`${nameOf(at)}: ${by.filter(b => !b.startsWith('weak ')).join(', ')}`],
  )
}

async function arraysOf(session: CDPSession): Promise<Buffer> {
  const { result } = await session.send('Runtime.evaluate', { expression: 'Array.prototype' })
  const { objects } = await session.send('Runtime.queryObjects', { prototypeObjectId: result.objectId! })
  const read = `function () {
    const isByte = n => Number.isInteger(n) && n >= 0 && n < 256
    let out = ''
    for (const held of this) {
      if (held.length < 4 || held.length > 65536) continue
      if (held.every(isByte)) out += held.map(n => String.fromCharCode(n)).join('') + '\\n'
      else if (held.every(s => typeof s === 'string')) out += held.join(' ').replace(/[^\\0-\\xff]/g, '?') + '\\n'
    }
    return btoa(out)
  }`
  const answer = await session.send('Runtime.callFunctionOn', {
    objectId: objects.objectId!,
    functionDeclaration: read,
    returnByValue: true,
  })
  await session.send('Runtime.releaseObject', { objectId: objects.objectId! })
  return Buffer.from(String(answer.result.value), 'base64')
}
