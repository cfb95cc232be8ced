import { ensure } from '#base/error'
import type { Party } from '#identity/bundle'
import { makeDid, parseDid } from '#identity/did'
import type { Written } from '#ports/ledger'
import type { Body, Restored } from '#wire/methods'
import { notify, type RelayContext } from './context.ts'
import { seatOf } from './parties.ts'
import { restoredOf } from './state.ts'

/** Sends to the ledger what owners signed and guardians voted; the devices of the vault hear at once that a round moved. */
export async function recoveryStep(ctx: RelayContext, body: Body<'recovery'>): Promise<Written> {
  const { recoveries, identities } = ctx.ledger
  const sent = (): Promise<Written> => {
    switch (body.step) {
      case 'module':
        return identities.setRecoveryModule(body)
      case 'guardians':
        return recoveries.setGuardians(body)
      case 'begin':
        return recoveries.begin(body)
      case 'cancel':
        return recoveries.cancel(body)
      case 'finish':
        return recoveries.finish(body)
    }
  }
  const written = await sent()
  const seat = makeDid(ctx.ledger.chainId, body.identity)
  const whose = body.vault && (await seatOf(ctx, body.vault)) === seat ? body.vault : seat
  notify(ctx, whose, 'messages')
  return written
}

/**
 * The sealed keyring for whoever the ledger names as the vault's controller (protocol §7): after a recovery that is the party whose first
 * key the guardians voted for, and it is so only when the time lock has run out. An enrolled device asks for its state instead.
 */
export async function recover(ctx: RelayContext, caller: Party, { vault }: Body<'recover'>): Promise<Restored> {
  const own = parseDid(await seatOf(ctx, vault))
  const asking = parseDid(caller.did)
  const here = own.chainId === ctx.ledger.chainId && asking.chainId === own.chainId
  const inForce = here && (await ctx.ledger.identities.owner(own.address)) === asking.address
  ensure(inForce, 'DENIED', 'The sealed keyring is given to a device of the vault, or to its controller in force after the time lock.')
  const found = await restoredOf(ctx, vault)
  ensure(found, 'NOT_FOUND', 'That vault is not kept at this relay.')
  return found
}
