import { liveEntries } from '@keepwell/sdk/actions/records/live-entries'
import { backup } from '@keepwell/sdk/actions/vault/backup'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { checkBackup } from '@keepwell/sdk/actions/vault/check-backup'
import { HOME_PLACE } from '@keepwell/sdk/actions/vault/check-copies'
import { type CopyNote, noteBackup, noteTest, safekeepingOf } from '@keepwell/sdk/actions/vault/safekeeping'
import { equal } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { BackedUp, CopyView, Doing, SafekeepingView, Tested } from '#rpc/own.ts'
import type { Call } from '#rpc/rpc.ts'
import { clock } from './platform.ts'
import { piecesOf, save, type Target } from './save.ts'
import { teller } from './teller.ts'
import type { OpenVault } from './vault.ts'

/** An agent asks for copies every day; after so many seconds without a word it has stopped. */
const SILENT = 3 * 86_400

/** As all devices know it now; without a relay, as this one knew it last. */
export async function safekeeping({ ctx, entries, run }: OpenVault): Promise<SafekeepingView> {
  await run(refreshRing).catch(() => {})
  const { ring } = ctx.session.state
  const here = ctx.session.device.id
  const now = clock()
  const { made, tested, drilled, copies, agreed, remindDays, due } = safekeepingOf(ring, now)
  const by = <T extends { readonly device: Uint8Array }>(note: T) => ({
    ...note,
    device: ring.devices.find(d => equal(d.id, note.device))?.name ?? null,
    here: equal(note.device, here),
  })
  return {
    records: [...entries.all()].length,
    made: made && { ...by(made), whole: made.size > 0 },
    tested: tested && by(tested),
    drilled: drilled && by(drilled),
    copies: copies.map(c => ({ unmended: 0, ...by(c), state: stateOf(c, now), home: c.place === HOME_PLACE })).sort(homeFirst),
    agreed: agreed.map(by),
    remindDays,
    due,
  }
}

const homeFirst = (a: CopyView, b: CopyView): number => Number(b.home) - Number(a.home) || a.place.localeCompare(b.place)

const stateOf = ({ lost, problem, unmended, at }: CopyNote, now: number): CopyView['state'] =>
  lost ? 'lost' : problem ? 'away' : now - at > SILENT ? 'silent' : unmended ? 'unmended' : 'good'

export type BackUp = { readonly target: Target; readonly name: string }

/** One sealed file, read back before it counts. */
export async function backUp(vault: OpenVault, { target, name }: BackUp, call: Call): Promise<BackedUp> {
  const { ctx } = vault
  await vault.sync()
  const step = teller(call, 'writing')
  const chunks = backup(ctx, (done, total) => step({ done, total }))
  const saved = await save(chunks, { target, signal: call.signal, wrote: bytes => step({ bytes }) })
  const { records, opened } = await readBack(vault, saved.blob ?? (await target!.getFile()), call)
  const here = (await liveEntries(ctx)).length
  ensure(records === here, 'TRUNCATED', 'The backup does not hold all records; make it again.')
  await vault.run(c => noteBackup(c, { place: name, records, size: saved.bytes }))
  return { ...saved, records, opened }
}

/** Reads a backup back in memory as a restore would: each record opened to its last byte and held against what its author signed. */
export async function testBackup(vault: OpenVault, { file, name }: { file: Blob; name: string }, call: Call): Promise<Tested> {
  await vault.sync()
  const { records, at } = await readBack(vault, file, call)
  await vault.run(c => noteTest(c, { place: name, of: at, records }))
  return { of: at, records, lacking: Math.max(0, (await liveEntries(vault.ctx)).length - records) }
}

async function readBack({ ctx }: OpenVault, file: Blob, call: Call) {
  const step = teller(call, 'checking')
  const counted = async function* () {
    let bytes = 0
    for await (const piece of piecesOf(file)) {
      call.signal.throwIfAborted()
      bytes += piece.length
      step({ bytes, total: file.size, done: bytes } satisfies Partial<Doing>)
      yield piece
    }
  }
  const other = 'That backup is of another record.'
  const found = await checkBackup(counted(), ctx.session.device).catch(e => {
    throw isKeepwellError(e, 'NO_KEY') ? new KeepwellError('WRONG_SUBJECT', other, { cause: e }) : e
  })
  ensure(found.vault === ctx.session.state.ring.did, 'WRONG_SUBJECT', other)
  return found
}
