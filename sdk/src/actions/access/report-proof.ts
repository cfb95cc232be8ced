import type { Ctx } from '#actions/context'
import { callRelay, ownBundle } from '#actions/vault/calls'
import type { Evidence } from '#audit/evidence'
import { isKeepwellError, KeepwellError } from '#base/error'
import { bundleMessage } from '#identity/bundle'
import { peek } from '#identity/signed'
import type { Relay } from '#ports/relay'
import type { Witness } from '#ports/witness'

type Reporting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/**
 * Brings proof against a log to its ledger: through witnesses, then through the vault's relays, the accused one last, for it may refuse. The
 * ledger checks the proof itself and learns nothing of who brought it but the account that paid. Throws what the last one said when none did.
 */
export async function reportProof(
  ctx: Reporting,
  { evidence, witnesses = [] }: { readonly evidence: Evidence; readonly witnesses?: readonly Witness[] },
): Promise<{ readonly tx: string; readonly by: string }> {
  const { log } = (evidence.kind === 'fork' ? evidence.a : evidence.older).head
  const tries = [
    ...witnesses.map(w => ({ by: w.url, bring: () => w.report(evidence) })),
    ...(await relaysFor(ctx, log)).map(r => ({ by: r.url, bring: () => callRelay(ctx, r, 'report', { evidence }) })),
  ]
  let failure: unknown = new KeepwellError('RELAY_UNREACHABLE', 'Nobody who could bring the proof to the ledger answers.')
  for (const { by, bring } of tries) {
    try {
      const { tx } = await bring()
      return { tx, by }
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      failure = e
    }
  }
  throw failure
}

/** The vault's relays that answer; the one whose log it is comes last. */
async function relaysFor(ctx: Reporting, log: string): Promise<Relay[]> {
  const found: { readonly relay: Relay; readonly accused: boolean }[] = []
  for (const url of peek(ownBundle(ctx.session.state.ring).signed, bundleMessage).relays) {
    try {
      const relay = await ctx.network.relay(url)
      found.push({ relay, accused: peek((await relay.info()).bundle.signed, bundleMessage).request === log })
    } catch (e) {
      if (!isKeepwellError(e)) throw e
    }
  }
  return found.toSorted((a, b) => Number(a.accused) - Number(b.accused)).map(f => f.relay)
}
