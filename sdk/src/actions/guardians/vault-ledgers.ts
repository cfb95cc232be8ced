import type { Ctx } from '#actions/context'
import { contactRelays, contactSeats } from '#actions/vault/calls'
import { isKeepwellError } from '#base/error'
import { type Did, parseDid } from '#identity/did'
import type { Guardianship } from '#identity/guardians'
import type { Ledger } from '#ports/ledger'

/**
 * The ledger of a vault that is guarded, by every door to it: where its owner was met, then where the shares came from, the oldest first.
 * Whoever holds the open vault names the place of a newer share, and must not so choose who says which share counts. `address` is the
 * vault's seat there.
 */
export async function* vaultLedgers(
  ctx: Pick<Ctx, 'network' | 'session'>,
  vault: Did,
  shares: readonly Guardianship[],
): AsyncGenerator<{ readonly ledger: Ledger; readonly url: string; readonly first: boolean; readonly address: string }> {
  const seats = contactSeats(ctx, vault).map(parseDid)
  const urls = [...new Set([...contactRelays(ctx, vault), ...shares.map(s => s.relay).toReversed()])]
  for (const url of urls) {
    const ledger = await ctx.network.ledger(url).catch(e => {
      if (!isKeepwellError(e)) throw e
      return null
    })
    const seat = seats.find(s => s.chainId === ledger?.chainId)
    if (ledger && seat) yield { ledger, url, first: url === urls[0], address: seat.address }
  }
}
