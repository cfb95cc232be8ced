import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteCatalog } from '@keepwell/adapters/catalog/sqlite'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { type Running, startRelay } from '@keepwell/daemon/bin/start'
import { readConfig } from '@keepwell/daemon/config/config'
import type { Ctx } from '@keepwell/sdk/actions/context'
import type { ImportItem } from '@keepwell/sdk/actions/records/import-item'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Io } from './io.ts'

/** A party of the demonstration: a home of its own, with its own relay and ledger, reached over HTTP. */
export type Party = { readonly name: string; readonly ctx: Ctx; readonly words: string; readonly running: Running; close(): Promise<void> }

export async function party(io: Io, dir: string, name: string): Promise<Party> {
  const config = readConfig({ HOME: dir, KEEPWELL_HOME: dir, KEEPWELL_PORT: '0' })
  const running = await startRelay(config, undefined, () => {})
  const base = { clock: io.clock, random: io.random, network: openNetwork() }
  const { session, words } = await createVault(base, { name, relay: running.url, deviceName: 'demonstration' })
  const catalog = await openSqliteCatalog({ file: join(dir, 'catalog.sqlite') })
  return {
    name,
    ctx: { ...base, catalog, session },
    words,
    running,
    async close() {
      await catalog.close()
      await running.close()
    },
  }
}

export const memoryItem = (name: string, bytes: Uint8Array): ImportItem => ({
  name,
  size: bytes.length,
  async *chunks() {
    yield bytes
  },
})

/** Whether a plaintext occurs in any file below a folder. */
export function occurs(folder: string, words: string): boolean {
  const wanted = Buffer.from(utf8(words))
  return readdirSync(folder, { withFileTypes: true, recursive: true }).some(
    f => f.isFile() && readFileSync(join(f.parentPath, f.name)).includes(wanted),
  )
}

/** The error code of work that must be refused; `allowed` when it was not. */
export async function refusal(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
    return 'allowed'
  } catch (e) {
    return isKeepwellError(e) ? e.code : 'DEFECT'
  }
}

export type Step = {
  readonly title: string
  readonly checks: readonly { readonly text: string; readonly held: boolean }[]
  readonly seconds: number
}

/** Narrates: a title, then each thing that was checked, as soon as it was. */
export function narrator(say: (line: string) => void, now: () => number) {
  const steps: Step[] = []
  return {
    steps,
    failed: () => steps.flatMap(s => s.checks.filter(c => !c.held).map(c => `${s.title}: ${c.text}`)),
    count: () => steps.reduce((n, s) => n + s.checks.length, 0),
    async step(title: string, work: (check: (text: string, held: boolean) => void) => Promise<void>): Promise<void> {
      const began = now()
      const checks: { text: string; held: boolean }[] = []
      say('')
      say(`${steps.length + 1}. ${title}`)
      await work((text, held) => {
        checks.push({ text, held })
        say(`   ${held ? '✓' : '✗ FAILED:'} ${text}`)
      })
      steps.push({ title, checks, seconds: (now() - began) / 1000 })
    },
  }
}
