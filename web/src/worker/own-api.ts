import { guardiansOwed } from '@keepwell/sdk/actions/guardians/owed'
import { exportEverything } from '@keepwell/sdk/actions/records/export-everything'
import { exportFiles } from '@keepwell/sdk/actions/records/export-files'
import { zip } from '@keepwell/sdk/actions/records/export-zip'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { changeRing } from '@keepwell/sdk/actions/vault/change-ring'
import { removeDevice } from '@keepwell/sdk/actions/vault/devices'
import { eraseVault, type VaultErasure } from '@keepwell/sdk/actions/vault/erase-vault'
import { erasureReceipts } from '@keepwell/sdk/actions/vault/erasure-receipts'
import { rotate } from '@keepwell/sdk/actions/vault/rotate'
import { remindOfBackup, safekeepingOf } from '@keepwell/sdk/actions/vault/safekeeping'
import { equal, u64be } from '@keepwell/sdk/base/bytes'
import type { Rekeying, Safety } from '#rpc/devices.ts'
import type { BackedUp, Ended, SafekeepingView, Tested, Written } from '#rpc/own.ts'
import type { Call } from '#rpc/rpc.ts'
import type { BackUp } from './backups.ts'
import { clock } from './platform.ts'
import { recordBytes } from './record.ts'
import { save, type Target } from './save.ts'
import { forgetVault } from './shelf.ts'
import { teller } from './teller.ts'
import type { OpenVault, Tell } from './vault.ts'

/** Stands in the keyring from before new words are made until the person has shown that they were written down. */
export const UNCHECKED = 'words'
/** Fewer guardians there cannot be. */
const LEAST = 3
/** Backups are made on few days: what they need comes when it is wanted. */
const backups = () => import('./backups.ts')

/** Taking everything out, keeping it safe, making new keys, and ending it. */
export const ownApi = (open: () => OpenVault, tell: Tell) => ({
  async safety(_: null): Promise<Safety> {
    const { ring } = open().ctx.session.state
    const { made, due } = safekeepingOf(ring, clock())
    const owed = guardiansOwed(open().ctx)
    const known = ring.contacts.filter(c => c.verified).length
    return {
      devices: ring.devices.length,
      backupAt: made?.at ?? null,
      backupDue: due,
      records: [...open().entries.all()].length,
      wordsChecked: !ring.marks[UNCHECKED],
      guardians: owed === 'choose' && known < LEAST ? null : owed,
    }
  },
  /** Everything as one readable archive. */
  async exportAll({ target, readme }: { readonly target: Target; readonly readme: string }, call: Call): Promise<Written> {
    const { ctx } = open()
    const entries = await listEntries(ctx)
    const step = teller(call, 'writing')
    const files = exportEverything(ctx, { entries, readme, progress: (done, total) => step({ done, total }) })
    const saved = await save(zip(files), { target, signal: call.signal, wrote: bytes => step({ bytes }) })
    return { ...saved, records: entries.length }
  },
  /** Chosen records as the files they were, in one archive. */
  async exportSome({ ids, target }: { readonly ids: readonly string[]; readonly target: Target }, call: Call): Promise<Written> {
    const { ctx, entries } = open()
    const chosen = ids.flatMap(id => entries.get(id)?.entry ?? [])
    const step = teller(call, 'writing')
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
    const step = teller(call, 'writing')
    const saved = await save(recordBytes(open(), id), { target, signal: call.signal, wrote: bytes => step({ bytes }) })
    return { ...saved, records: 1 }
  },
  safekeeping: async (_: null): Promise<SafekeepingView> => (await backups()).safekeeping(open()),
  backUp: async (input: BackUp, call: Call): Promise<BackedUp> => (await backups()).backUp(open(), input, call),
  /** A file the person has, read back as a restore would. */
  testBackup: async (input: { readonly file: Blob; readonly name: string }, call: Call): Promise<Tested> =>
    (await backups()).testBackup(open(), input, call),
  /** 0 days: never. */
  remindOfBackup: async (days: number): Promise<void> => open().run(ctx => remindOfBackup(ctx, days)),
  /** New keys and words for everything; all other devices are locked out. Gives the words, which are kept nowhere. */
  async rekey(_: null, { progress }: Call): Promise<readonly string[]> {
    const here = open().ctx.session.device.id
    return open().run(async ctx => {
      await changeRing(ctx, ring => ({ ...ring, marks: { ...ring.marks, [UNCHECKED]: u64be(clock()) } }))
      for (const d of ctx.session.state.ring.devices) if (!equal(d.id, here)) await removeDevice(ctx, d.id)
      const words = await rotate(ctx, (done, total) => progress({ done, total } satisfies Rekeying))
      return words.split(' ')
    })
  },
  async wordsNoted(_: null): Promise<void> {
    await open().run(ctx => changeRing(ctx, ({ marks: { [UNCHECKED]: _unchecked, ...marks }, ...ring }) => ({ ...ring, marks })))
  },
  /** Ends the record everywhere: where it is kept, and here. */
  async eraseAll(_: null, call: Call): Promise<Ended> {
    const vault = open()
    const step = teller(call, 'erasing')
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

function endedView(erasure: VaultErasure): Ended {
  const { last, records, consents, unreached } = erasure
  const receipts = new Blob([erasureReceipts(erasure)], { type: 'application/json' })
  return { records, consents, unreached, relay: last.relay, at: last.at, receipts }
}
