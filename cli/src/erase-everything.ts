import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { writeDurable } from '@keepwell/daemon/bin/files'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { eraseVault, type VaultErasure } from '@keepwell/sdk/actions/vault/erase-vault'
import { erasureReceipts } from '@keepwell/sdk/actions/vault/erasure-receipts'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import type { Args } from './command.ts'
import { inHome, withHome } from './home.ts'
import type { Io } from './io.ts'
import { count, result, safe, when } from './show.ts'

/**
 * Ends the record: consents, tokens, records, and then all that the relay keeps of it. The keys of this home go last, so that a run which was
 * cut short can be repeated. The relay in the home stays, for it may serve others.
 */
export async function eraseEverything(io: Io, args: Args): Promise<void> {
  ensure(!args.positionals.length, 'USAGE', '--everything stands alone; name no records.')
  const file = args.text('receipts')
  ensure(!file || !existsSync(file), 'BAD_INPUT', `${file} is there already; name a new file.`)
  // Offline at first: after an earlier run that was cut short, the relay answers nothing but that it is over.
  const { dir, erasure } = await withHome(
    io,
    args,
    async home => {
      await newestRing(home.ctx)
      ensure(await sure(io, args, home.ctx.session.state.ring.name), 'CANCELLED', 'Nothing was erased.')
      const done = await eraseVault(home.ctx, (n, of) => io.progress(`${n} of ${of} …`))
      if (file) await writeDurable(file, erasureReceipts(done))
      return { dir: home.dir, erasure: done }
    },
    { offline: true },
  )
  await forget(dir)
  told(io, args, erasure, file)
}

async function newestRing(ctx: Ctx): Promise<void> {
  try {
    await refreshRing(ctx)
  } catch (e) {
    if (!isKeepwellError(e, 'ERASED')) throw e
  }
}

/** More than a yes: whoever ends a record types whose it is. */
async function sure(io: Io, args: Args, name: string): Promise<boolean> {
  if (args.flag('yes')) return true
  ensure(io.terminal.ask, 'USAGE', 'This cannot be undone; say --yes to do it without being asked.')
  io.note(`The whole record of ${safe(name)} will be erased, at its relay and here, for ever. Every consent ends.`)
  io.note(
    'Beyond reach stay: what others opened before, files you exported, backups. The ledger keeps that a record existed, not what was in it.',
  )
  const typed = await io.ask(`Type the name to go on (${safe(name)}): `)
  return typed.trim().toLowerCase() === safe(name).toLowerCase()
}

async function forget(dir: string): Promise<void> {
  const { device, keyring, catalog } = inHome(dir)
  for (const file of [device, keyring, catalog, `${catalog}-wal`, `${catalog}-shm`]) await rm(file, { force: true })
}

function told(io: Io, args: Args, { records, consents, unreached, last, receipts }: VaultErasure, file: string | undefined): void {
  const value = { records, consents, unreached, relay: last.relay, at: last.at, receipts: receipts.length + 1, ...(file ? { file } : {}) }
  result(io, args, value, () => [
    `The record is erased: ${count(records, 'record')}, ${count(consents, 'consent')} ended. The relay signed for it at ${when(last.at)}.`,
    ...(unreached.length ? [`Could not be told: ${unreached.map(safe).join(', ')}.`] : []),
    ...(file ? [`Its receipts are in ${file}.`] : []),
  ])
}
