import { guardiansOwed } from '@keepwell/sdk/actions/guardians/owed'
import { exportEverything } from '@keepwell/sdk/actions/records/export-everything'
import { exportFiles } from '@keepwell/sdk/actions/records/export-files'
import { zip } from '@keepwell/sdk/actions/records/export-zip'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { liveEntries } from '@keepwell/sdk/actions/records/live-entries'
import { backup } from '@keepwell/sdk/actions/vault/backup'
import { changeRing } from '@keepwell/sdk/actions/vault/change-ring'
import { checkBackup } from '@keepwell/sdk/actions/vault/check-backup'
import { removeDevice } from '@keepwell/sdk/actions/vault/devices'
import { eraseVault, type VaultErasure } from '@keepwell/sdk/actions/vault/erase-vault'
import { erasureReceipts } from '@keepwell/sdk/actions/vault/erasure-receipts'
import { rotate } from '@keepwell/sdk/actions/vault/rotate'
import { equal, readU64, u64be } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Rekeying, Safety } from '#rpc/devices.ts'
import type { BackedUp, Doing, Ended, Written } from '#rpc/own.ts'
import type { Call } from '#rpc/rpc.ts'
import { clock, elapsed } from './platform.ts'
import { recordBytes } from './record.ts'
import { piecesOf, type Saved, save, type Target } from './save.ts'
import { forgetVault } from './shelf.ts'
import type { OpenVault, Tell } from './vault.ts'

const BACKUP = 'backup'
/** Stands in the keyring from before new words are made until the person has shown that they were written down. */
export const UNCHECKED = 'words'
/** Fewer guardians there cannot be. */
const LEAST = 3
/** Told at most so often, in milliseconds. */
const PACE = 150

/** Tells how far it is, but not at every step. */
function teller({ progress }: Call, phase: Doing['phase'], busy: Tell) {
  let last = 0
  let state = { done: 0, total: null as number | null, bytes: 0 }
  return (change: Partial<typeof state>): void => {
    state = { ...state, ...change }
    if (elapsed() - last < PACE) return
    last = elapsed()
    progress({ phase, ...state } satisfies Doing)
    busy('busy')
  }
}

/** Taking everything out, keeping it safe, making new keys, and ending it. */
export const ownApi = (open: () => OpenVault, tell: Tell) => ({
  async safety(_: null): Promise<Safety> {
    const { ring } = open().ctx.session.state
    const at = ring.marks[BACKUP]
    const owed = guardiansOwed(open().ctx)
    const known = ring.contacts.filter(c => c.verified).length
    return {
      devices: ring.devices.length,
      backupAt: at ? readU64(at) : null,
      records: [...open().entries.all()].length,
      wordsChecked: !ring.marks[UNCHECKED],
      guardians: owed === 'choose' && known < LEAST ? null : owed,
    }
  },
  /** Everything as one readable archive. */
  async exportAll({ target, readme }: { readonly target: Target; readonly readme: string }, call: Call): Promise<Written> {
    const { ctx } = open()
    const entries = await listEntries(ctx)
    const step = teller(call, 'writing', tell)
    const files = exportEverything(ctx, { entries, readme, progress: (done, total) => step({ done, total }) })
    const saved = await save(zip(files), { target, signal: call.signal, wrote: bytes => step({ bytes }) })
    return { ...saved, records: entries.length }
  },
  /** Chosen records as the files they were, in one archive. */
  async exportSome({ ids, target }: { readonly ids: readonly string[]; readonly target: Target }, call: Call): Promise<Written> {
    const { ctx, entries } = open()
    const chosen = ids.flatMap(id => entries.get(id)?.entry ?? [])
    const step = teller(call, 'writing', tell)
    const counted = async function* () {
      let done = 0
      for await (const file of exportFiles(ctx, chosen)) {
        step({ done: Math.min(done++, chosen.length), total: chosen.length })
        yield file
      }
    }
    const saved = await save(zip(counted()), { target, signal: call.signal, wrote: bytes => step({ bytes }) })
    return { ...saved, records: chosen.length }
  },
  /** One record as the file it was. */
  async saveRecord({ id, target }: { readonly id: string; readonly target: Target }, call: Call): Promise<Written> {
    const step = teller(call, 'writing', tell)
    const saved = await save(recordBytes(open(), id), { target, signal: call.signal, wrote: bytes => step({ bytes }) })
    return { ...saved, records: 1 }
  },
  /** One sealed file, read back before it counts. */
  async backUp(target: Target, call: Call): Promise<BackedUp> {
    const { ctx } = open()
    await open().sync()
    const step = teller(call, 'writing', tell)
    const chunks = backup(ctx, (done, total) => step({ done, total }))
    const saved = await save(chunks, { target, signal: call.signal, wrote: bytes => step({ bytes }) })
    const found = await readBack(open(), { saved, target, tell }, call)
    await open().run(c => changeRing(c, ring => ({ ...ring, marks: { ...ring.marks, [BACKUP]: u64be(clock()) } })))
    return { ...saved, ...found }
  },
  /** New keys and words for everything; all other devices are locked out. Gives the words, which are kept nowhere. */
  async rekey(_: null, { progress }: Call): Promise<readonly string[]> {
    const here = open().ctx.session.device.id
    return open().run(async ctx => {
      await changeRing(ctx, ring => ({ ...ring, marks: { ...ring.marks, [UNCHECKED]: u64be(clock()) } }))
      for (const d of ctx.session.state.ring.devices) if (!equal(d.id, here)) await removeDevice(ctx, d.id)
      const words = await rotate(ctx, (done, total) => {
        progress({ done, total } satisfies Rekeying)
        tell('busy')
      })
      return words.split(' ')
    })
  },
  async wordsNoted(_: null): Promise<void> {
    await open().run(ctx => changeRing(ctx, ({ marks: { [UNCHECKED]: _unchecked, ...marks }, ...ring }) => ({ ...ring, marks })))
  },
  /** Ends the record everywhere: where it is kept, and here. */
  async eraseAll(_: null, call: Call): Promise<Ended> {
    const vault = open()
    const step = teller(call, 'erasing', tell)
    // What the relay says from here on is no news: it is the end that was asked for.
    vault.hush()
    const erasure = await eraseVault(vault.ctx, (done, total) => step({ done, total }))
    vault.close()
    await vault.ctx.catalog.close()
    if (!vault.sample) await forgetVault(erasure.last.vault)
    // Somebody who left the screen meanwhile is told on every other one.
    if (call.signal.aborted) tell('ended', 'erased')
    return endedView(erasure)
  },
})

type Reading = { readonly saved: Saved; readonly target: Target; readonly tell: Tell }

async function readBack({ ctx }: OpenVault, { saved, target, tell }: Reading, call: Call): Promise<{ records: number; opened: number }> {
  const file = saved.blob ?? (await target!.getFile())
  const step = teller(call, 'checking', tell)
  const counted = async function* () {
    let bytes = 0
    for await (const piece of piecesOf(file)) {
      call.signal.throwIfAborted()
      bytes += piece.length
      step({ bytes, total: file.size, done: bytes })
      yield piece
    }
  }
  const { records, opened, vault } = await checkBackup(counted(), ctx.session.device)
  const here = (await liveEntries(ctx)).length
  ensure(vault === ctx.session.state.ring.did && records === here, 'TRUNCATED', 'The backup does not hold all records; make it again.')
  return { records, opened }
}

function endedView(erasure: VaultErasure): Ended {
  const { last, records, consents, unreached } = erasure
  const receipts = new Blob([erasureReceipts(erasure)], { type: 'application/json' })
  return { records, consents, unreached, relay: last.relay, at: last.at, receipts }
}
