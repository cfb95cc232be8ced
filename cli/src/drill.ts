import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteCatalog } from '@keepwell/adapters/catalog/sqlite'
import { initRelayHome } from '@keepwell/daemon/bin/home'
import { urlOf } from '@keepwell/daemon/bin/relay'
import { readConfig } from '@keepwell/daemon/config/config'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { backup } from '@keepwell/sdk/actions/vault/backup'
import { checkBackup } from '@keepwell/sdk/actions/vault/check-backup'
import { expectedNow } from '@keepwell/sdk/actions/vault/keep-backups'
import { type RestoreBackup, restoreBackup } from '@keepwell/sdk/actions/vault/restore-backup'
import { inHome, reachRelay } from './home.ts'
import type { Io } from './io.ts'
import { fileChunks } from './shelf.ts'
import { bytesOf, count } from './show.ts'

export type Drill = {
  readonly records: number
  /** Records that did not come back, or do not open. */
  readonly missing: number
  readonly bytes: number
  /** Until every record was there and could be read; and, after that, until each had been opened to its last byte. */
  readonly seconds: number
  readonly checked: number
  readonly gigabytesPerMinute: number
  /** Seconds in which a record has to be back: 72 hours. */
  readonly limit: number
  readonly kept: boolean
}

const LIMIT = 72 * 3600

/**
 * Restores a backup into an empty home in a temporary folder, with a relay and a ledger of its own, opens every record there, takes the time,
 * and wipes it. Nothing of the real home is touched, and nothing leaves this machine but the question to the old relay what was erased.
 */
export async function drill(io: Io, input: Pick<RestoreBackup, 'recovery' | 'erased'> & { readonly file: string }): Promise<Drill> {
  const dir = await mkdtemp(join(tmpdir(), 'keepwell-drill-'))
  try {
    const config = readConfig({ KEEPWELL_HOME: dir })
    await initRelayHome({ dir: inHome(dir).relay, config, secrets: readSecrets({}, config), clock: io.clock, random: io.random })
    const url = urlOf(config)
    const reach = reachRelay({ ...io, env: {} }, { dir, config, url, relay: undefined, embedded: true })
    const catalog = await openSqliteCatalog({ file: inHome(dir).catalog })
    try {
      let bytes = 0
      const counted = async function* () {
        for await (const chunk of fileChunks(input.file)) {
          bytes += chunk.length
          yield chunk
        }
      }
      const started = performance.now()
      const base = { clock: io.clock, random: io.random, network: reach.network }
      const { recovery, erased = [] } = input
      const restored = await restoreBackup(base, { chunks: counted(), recovery, erased, relay: url, deviceName: 'drill' })
      const ctx: Ctx = { ...base, catalog, session: restored.session }
      const { problems } = await receiveRecords(ctx)
      const seconds = (performance.now() - started) / 1000
      // What was restored is read once more as a backup of it would be, each record opened to its last byte.
      const { opened } = await checkBackup(backup(ctx), restored.session.device, await expectedNow(ctx))
      const checked = (performance.now() - started) / 1000 - seconds
      const missing = restored.records - opened + problems.length
      const pace = bytes / 1e9 / (seconds / 60)
      const kept = missing === 0 && seconds + checked <= LIMIT
      return { records: restored.records, missing, bytes, seconds, checked, gigabytesPerMinute: pace, limit: LIMIT, kept }
    } finally {
      await catalog.close()
      await reach.close()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export const drillLines = (d: Drill): string[] => [
  `${count(d.records, 'record')} (${bytesOf(d.bytes)}) restored on an empty machine in ${d.seconds.toFixed(1)} s: ${d.gigabytesPerMinute.toFixed(2)} GB a minute.`,
  d.missing
    ? `${count(d.missing, 'record')} did NOT come back or do not open. Make a new backup, and run verify.`
    : `Each was opened to its last byte, in another ${d.checked.toFixed(1)} s. Law and custom ask for 72 hours; this took ${share(d)} of them.`,
]

const share = ({ seconds, checked, limit }: Drill): string => `${(((seconds + checked) / limit) * 100).toPrecision(2)} %`
