import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { homeRelay, makeCall } from '@keepwell/sdk/actions/vault/calls'
import { toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { credentialOf } from '@keepwell/sdk/consent/decide'
import type { Did } from '@keepwell/sdk/identity/did'

type Watching = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

export type WatchInput = {
  readonly ctx: Watching
  /** Commitments of the consents under which something is open now. */
  readonly inUse: () => readonly Uint8Array[]
  /** Consents may have come or gone. */
  readonly changed: () => void
  /** A patient froze the record, or — with `purposes` — objects to these. */
  readonly limited: (patient: Did, purposes: readonly string[] | null) => void
  /** A patient says that there are newer versions of these records, or none any more; by their hex ids. */
  readonly changedBy: (patient: Did, records: readonly string[], how: 'amended' | 'erased') => void
  /** The ledger says that this consent is no more, or not while the credential that it names is not live. */
  readonly revoked: (commitment: Uint8Array) => void
  readonly failed: (code: string) => void
  readonly signal: AbortSignal
  /** Waits; rejects when the signal aborts. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

const LEDGER_PAUSE = 4000
const PASSES_A_TAKE = 8
const LONGEST_PAUSE = 30_000

/**
 * Learns within seconds that a consent came or went: by the home relay's word when a message waits, and, should the message be lost, by the
 * consent's slot on the patient's ledger, which leaves no receipt. Runs until the signal aborts.
 */
export async function watchGrants(input: WatchInput): Promise<void> {
  // One after the other: two at once would be given the same messages, and what a patient says be noted twice.
  let last: Promise<unknown> = Promise.resolve()
  const taken = (): Promise<void> => {
    const next = last.then(() => take(input))
    last = next.catch(() => {})
    return next
  }
  await Promise.all([watchMessages(input, taken), watchLedger(input, taken)])
}

async function watchMessages({ ctx, failed, signal, pause }: WatchInput, taken: () => Promise<void>): Promise<void> {
  for (let wait = 500; !signal.aborted; wait = Math.min(LONGEST_PAUSE, wait * 2)) {
    try {
      const relay = await homeRelay(ctx)
      const words = relay.events(await makeCall(ctx, relay, 'events', {}), signal)[Symbol.asyncIterator]()
      // Listened for before what waits is taken, so that nothing falls between.
      let next = words.next()
      next.catch(() => {})
      await taken()
      for (let found = await next; !found.done; found = await next) {
        wait = 500
        next = words.next()
        next.catch(() => {})
        // What came while listening began is not told; what comes from `ready` on is.
        if (found.value === 'messages' || found.value === 'ready') await taken()
      }
    } catch (e) {
      if (signal.aborted) return
      failed(isKeepwellError(e) ? e.code : 'DEFECT')
    }
    await pause(wait, signal).catch(() => {})
  }
}

async function take({ ctx, changed, limited, changedBy }: WatchInput): Promise<void> {
  const arrivals = await receiveMessages(ctx, a => {
    if (a.kind === 'revoked') changed()
    if (a.kind !== 'right' || a.news.step !== 'told') return
    if (a.news.event === 'frozen') limited(a.did, null)
    if (a.news.event === 'objected') limited(a.did, a.news.purposes)
    if (a.news.event === 'amended' || a.news.event === 'erased') changedBy(a.did, a.news.records.map(toHex), a.news.event)
  })
  if (arrivals.some(a => a.kind === 'grant')) changed()
}

async function watchLedger({ ctx, inUse, revoked, failed, signal, pause }: WatchInput, taken: () => Promise<void>): Promise<void> {
  for (let pass = 1; !signal.aborted; pass++) {
    await pause(LEDGER_PAUSE, signal).catch(() => {})
    // A word of the relay can be lost on the way; a message cannot.
    if (pass % PASSES_A_TAKE === 0) await taken().catch(e => failed(isKeepwellError(e) ? e.code : 'DEFECT'))
    const open = new Set(inUse().map(toHex))
    for (const g of receivedGrants(ctx).filter(x => open.has(toHex(x.grant.commitment)))) {
      if (signal.aborted) return
      try {
        const ledger = await ctx.network.ledger(g.package.relays[0] ?? '')
        const slot = await ledger.consents.slot(g.terms.holder, g.grant.commitment)
        const named = g.terms.credential
        const dead = named && credentialOf(g.terms, await ledger.credentials.status(named)) === 'dead'
        if (slot?.state === 'revoked' || dead) revoked(g.grant.commitment)
      } catch (e) {
        failed(isKeepwellError(e) ? e.code : 'DEFECT')
      }
    }
  }
}
