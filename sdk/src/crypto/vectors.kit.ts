/// <reference types="vite/client" />
import { test } from 'vitest'
import { fromHex, text } from '#base/bytes'
import { native as platform } from '#crypto/native/platform'
import type { Native } from './native/native.ts'
import { native as noble } from './native/noble.ts'

// For tests only: vectors, ours and other people's, in Node and in browsers alike. Vite's globs reach the whole repository.

const own = import.meta.glob<unknown>('/vectors/kw1/*.json', { eager: true, import: 'default' })
const tools = import.meta.glob<{ corpus(path: string): string | null }>('/tools/corpora.ts')

/** A file of `vectors/kw1`, parsed; byte strings in it are hex. */
export function kw1Vectors<T>(name: string): T {
  const found = own[`/vectors/kw1/${name}.json`]
  if (found === undefined) throw new Error(`vectors/kw1/${name}.json is missing`)
  return found as T
}

/** Every implementation of the primitives that can run here: the platform's, and the fallback. */
export const natives: readonly Native[] = platform.name === 'noble' ? [noble] : [platform, noble]

const inBrowser = typeof window !== 'undefined'

async function readExternal(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (inBrowser) {
    const { commands } = await import('vitest/browser')
    const encoded = await (commands as unknown as { corpusFile(path: string): Promise<string | null> }).corpusFile(path)
    return encoded === null ? null : Uint8Array.from(atob(encoded), c => c.charCodeAt(0))
  }
  const { corpus } = await tools['/tools/corpora.ts']!()
  const file = corpus(path)
  if (file === null) return null
  const { readFile } = await import('node:fs/promises')
  return new Uint8Array(await readFile(file))
}

/** A file of the external corpora, gunzipped where its name says so; null when the corpora are not on this machine. */
export async function externalFile(path: string): Promise<Uint8Array | null> {
  const bytes = await readExternal(path)
  if (bytes === null || !path.endsWith('.gz')) return bytes
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(plain).arrayBuffer())
}

export async function externalText(path: string): Promise<string | null> {
  const bytes = await externalFile(path)
  return bytes === null ? null : text(bytes)
}

/** A test over one file of published vectors (JSON parsed, else text); skipped loudly when the corpora are not on this machine. */
export function published<T>(path: string, rule: string, run: (data: T) => Promise<void>): void {
  test(`${rule} (${path})`, { timeout: 180_000 }, async ({ skip }) => {
    const content = await externalText(path)
    if (content === null) {
      console.warn(`SKIPPED ${path}: set KEEPWELL_CORPORA, or put the corpora in ../shared/data`)
      skip('the external corpora are not on this machine')
    } else await run(path.replace(/\.gz$/, '').endsWith('.json') ? (JSON.parse(content) as T) : (content as T))
  })
}

/** Prints what a corpus gave, refusals with their reason, so that nobody takes silence for coverage. */
export function tally(name: string, who: string) {
  const counts = new Map<string, number>()
  const add = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
  const print = (): void => {
    const total = [...counts.values()].reduce((a, b) => a + b, 0)
    console.info(`${name} [${who}] ${total}: ${[...counts].map(([what, n]) => `${n} ${what}`).join(', ')}`)
  }
  return { add, print, count: (what: string): number => counts.get(what) ?? 0 }
}

/** Random bytes that come in a known order: the concatenation of `parts`, drawn as asked. Throws when it runs dry. */
export function scripted(...parts: readonly string[]): (length: number) => Uint8Array {
  let rest = fromHex(parts.join(''))
  return length => {
    if (rest.length < length) throw new Error('the scripted randomness is used up')
    const out = rest.slice(0, length)
    rest = rest.subarray(length)
    return out
  }
}

/** The platform's randomness, for tests whose result does not depend on it. */
export const anyRandom = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length))

/** The KeepwellError code with which `run` fails, or 'no error', or the text of another error. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
    return 'no error'
  } catch (e) {
    return e instanceof Error && 'code' in e ? String(e.code) : String(e)
  }
}
