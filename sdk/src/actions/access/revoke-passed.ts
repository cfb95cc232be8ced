import type { Ctx } from '#actions/context'
import { callRelay, homeRelay } from '#actions/vault/calls'
import { equal } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { decodeTerms, readTerms } from '#consent/terms'
import { newGenerations, type Revoked, rekeyGrantees, remaining, tellEnded } from './revoke.ts'

/**
 * Ends a consent that a proxy gave in our name: our relay refuses at once, and the compartments begin a new generation. Its slot on the
 * ledger is the proxy's to close; no relay of ours serves it meanwhile.
 */
export async function revokePassed(ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>, commitment: Uint8Array): Promise<Revoked> {
  const found = ctx.session.state.ring.passed?.find(p => equal(p.commitment, commitment))
  if (!found) throw new KeepwellError('NO_GRANT', 'No proxy gave such a consent in our name.')
  const terms = readTerms(decodeTerms(found.terms).signed)
  const body = { vault: terms.patient, holder: terms.holder, commitment, terms: found.terms, deadline: ctx.clock() }
  await callRelay(ctx, await homeRelay(ctx), 'revoke', body)
  const unreached: string[] = []
  // Before the keys that follow reach the proxy, who would pass them on.
  const { proxy } = found
  const nameOf = ctx.session.state.ring.contacts.find(c => c.did === proxy)?.name ?? proxy
  await tellEnded(ctx, { grantee: proxy, commitment }).catch(() => unreached.push(nameOf))
  const concerned = terms.level === 'write' ? [] : terms.compartments
  await newGenerations(ctx, concerned, r => ({
    ...r,
    passed: (r.passed ?? []).map(p => (equal(p.commitment, commitment) ? { ...p, state: 'revoked' as const } : p)),
  }))
  unreached.push(...(await rekeyGrantees(ctx, concerned)))
  await tellEnded(ctx, found).catch(() => unreached.push(found.name))
  return { compartments: concerned.length, rekeyed: remaining(ctx, concerned).length, unreached }
}
