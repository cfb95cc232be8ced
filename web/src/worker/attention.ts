import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { type Held, heldRecords, holdRecords, ignoreRecord, releaseRecords } from '@keepwell/sdk/actions/records/quarantine'
import { receiveAgain } from '@keepwell/sdk/actions/records/receive-records'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Attention, HeldView } from '#rpc/attention.ts'
import { naming } from './entries.ts'
import { itemOf } from './record.ts'
import type { OpenVault } from './vault.ts'

/** What says that a record is not what was filed, rather than that it cannot be had now. */
const ALTERED = new Set(
  'BAD_SIGNATURE BAD_CID OPEN_FAILED TRUNCATED ENVELOPE_MISMATCH WRONG_SUBJECT UNREADABLE BAD_PROOF STORAGE_CORRUPT'.split(' '),
)

/** Opens a record; one that turns out altered is held, and one that is whole again is let go. */
export async function watched<T>(vault: OpenVault, id: string, open: () => Promise<T>): Promise<T> {
  try {
    const opened = await open()
    await releaseRecords(vault.ctx, [fromHex(id)])
    return opened
  } catch (e) {
    if (isKeepwellError(e) && ALTERED.has(e.code)) {
      const { card } = itemOf(vault, id).entry
      const claim = { author: card.author, title: card.title, type: card.resourceType ?? card.kind }
      await holdRecords(vault.ctx, [
        { id, code: e.code, message: e.message, claim: { ...claim, ...(card.start ? { start: card.start } : {}) } },
      ])
      vault.changed()
    }
    throw e
  }
}

export async function attention(vault: OpenVault): Promise<Attention> {
  const held = (await heldRecords(vault.ctx)).map(h => viewOf(vault, h)).reverse()
  const unverified = vault.entries
    .current()
    .filter(i => i.row.trust === 'unverified')
    .map(i => i.row)
  return { held, unverified, waiting: held.filter(h => !h.ignored).length + unverified.length }
}

function viewOf({ ctx }: OpenVault, { id, claim, by, code, at, ignored }: Held): HeldView {
  const { ring } = ctx.session.state
  const names = naming(ring)
  const name = (did: string | undefined): string | null => (did === undefined ? null : did === ring.did ? ring.name : names.party(did))
  return {
    id: toHex(id),
    title: claim?.title ?? null,
    type: claim?.type ?? null,
    date: claim?.start ?? '',
    author: name(claim?.author),
    known: ring.contacts.some(c => c.did === claim?.author && c.verified),
    by: name(by),
    code,
    at,
    ignored,
  }
}

/** Asks the relay again; true when the record is whole now. */
export async function askAgain(vault: OpenVault, id: string): Promise<boolean> {
  const { problems } = await vault.run(ctx => receiveAgain(ctx, [fromHex(id)]))
  if (!problems.length) await vault.filed().catch(() => {})
  vault.changed()
  return problems.length === 0
}

export async function ignoreHeld(vault: OpenVault, id: string): Promise<void> {
  await ignoreRecord(vault.ctx, fromHex(id))
  vault.changed()
}

/** Erases what is held, where it is kept. */
export async function eraseHeld(vault: OpenVault, id: string): Promise<void> {
  await vault.run(async ctx => {
    await eraseRecords(ctx, [fromHex(id)])
    await releaseRecords(ctx, [fromHex(id)])
  })
  await vault.filed()
  vault.changed()
}
