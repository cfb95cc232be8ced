import { relayParty } from '#actions/access/check-receipt'
import { endConsent, tellEnded } from '#actions/access/revoke'
import type { Ctx, Progress } from '#actions/context'
import { dropRecords } from '#actions/records/erase-records'
import { listEntries } from '#actions/records/list-entries'
import { burnTokens } from '#actions/records/mint-milestone'
import { receiveRecords } from '#actions/records/receive-records'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { decodeTerms, readTerms } from '#consent/terms'
import type { GivenGrant } from '#identity/keyring'
import { type Signed, sign, signedHash, verifySigned } from '#identity/signed'
import { type DeletionMessage, type VaultDeletion, vaultDeletion } from '#wire/tombstone'
import { callRelay, homeRelay, signerOf } from './calls.ts'

type Erasing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type VaultErasure = {
  /** For the records, a page each. */
  readonly receipts: readonly DeletionMessage[]
  /** For all the rest, and what it was given for; `signed` is the relay's word as it stands. */
  readonly last: VaultDeletion
  readonly signed: Signed
  readonly records: number
  /** Consents that were ended, and the names of those who could not be told. */
  readonly consents: number
  readonly unreached: readonly string[]
}

const PAGE = 1024

/**
 * Ends a vault (protocol §8): every consent is revoked and its holder told, every token burned, every record erased under a tombstone, and
 * then the relay destroys keyring, calendar and all else and signs for it. Nobody can open it again, with any words or device. Cut short, it
 * is run again. What others opened before is beyond reach.
 */
export async function eraseVault(ctx: Erasing, progress: Progress = () => {}): Promise<VaultErasure> {
  const ended = await alreadyEnded(ctx)
  const { consents, unreached } = ended ? { consents: 0, unreached: [] } : await endConsents(ctx)
  const entries = ended ? [] : await listEntries(ctx)
  const receipts: DeletionMessage[] = []
  for (let at = 0; at < entries.length; at += PAGE) {
    const page = entries.slice(at, at + PAGE)
    await burnTokens(ctx, page)
    receipts.push(
      ...(await dropRecords(
        ctx,
        page.map(e => e.id),
      )),
    )
    progress(at + page.length, entries.length)
  }
  const { last, signed } = await endVault(ctx)
  await ctx.catalog.clear()
  return { receipts, last, signed, records: entries.length, consents, unreached }
}

/** Whether an earlier run came as far as the relay's end; else everything that was filed meanwhile is known here now. */
async function alreadyEnded(ctx: Erasing): Promise<boolean> {
  try {
    await receiveRecords(ctx)
    return false
  } catch (e) {
    if (isKeepwellError(e, 'ERASED')) return true
    throw e
  }
}

async function endConsents(ctx: Erasing): Promise<Pick<VaultErasure, 'consents' | 'unreached'>> {
  const now = ctx.clock()
  const live = ctx.session.state.ring.given.filter(g => g.state === 'live' && readTerms(decodeTerms(g.terms).signed).expiry > now)
  const unreached: string[] = []
  for (const g of live) {
    await endConsent(ctx, g)
    await tellEnded(ctx, g).catch(e => unreached.push(nameUnlessBroken(g, e)))
  }
  return { consents: live.length, unreached }
}

function nameUnlessBroken(g: GivenGrant, e: unknown): string {
  if (!isKeepwellError(e)) throw e
  return g.name
}

async function endVault(ctx: Erasing): Promise<Pick<VaultErasure, 'last' | 'signed'>> {
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const tombstone = await sign(signerOf(ring), 'tombstone', { v: 1, vault: ring.did, whole: 1, at: ctx.clock() })
  const { receipt } = await callRelay(ctx, relay, 'erase-vault', { tombstone })
  const last = await verifySigned(receipt, 'tombstone', vaultDeletion, party.keys)
  const names =
    last.vault === ring.did && last.relay === party.did && receipt.signer === party.did && equal(last.tombstone, signedHash(tombstone))
  ensure(names, 'NO_RECEIPT', 'The relay’s deletion receipt is for something else.')
  return { last, signed: receipt }
}
