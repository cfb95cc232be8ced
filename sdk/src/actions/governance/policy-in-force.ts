import type { Ctx } from '#actions/context'
import { homeLedger, homeRelay } from '#actions/vault/calls'
import { equal, toHex } from '#base/bytes'
import type { Cid } from '#base/cid'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { decodePolicies, MAX_BUNDLE, type PolicyRequest, type PolicyVerdict, policyCid, policyHash, withinReach } from '#consent/policy'
import { breachOf, type Floored, floor, tellBreach } from '#consent/policy-floor'
import type { PolicyEngine } from '#ports/policy-engine'

/** A bundle that was looked at whole, and is kept. */
export type PolicyInForce = {
  readonly hash: Uint8Array
  readonly cid: Cid
  /** Its version, as people say it. */
  readonly name: string
  readonly ids: readonly string[]
  judge(request: PolicyRequest): PolicyVerdict
  /** What a policy says to people, in their language or English. */
  say(id: string, language?: string): string
}

const AT_ONCE = 200

/**
 * Reads a bundle and tries it against the floor (protocol §6). Throws BAD_POLICY with the request that shows what it would break. `breathe` is
 * awaited now and then, for there are some thousands to try.
 */
export async function readPolicies(
  engine: PolicyEngine,
  bytes: Uint8Array,
  breathe: () => Promise<void> = async () => {},
): Promise<PolicyInForce> {
  ensure(bytes.length <= MAX_BUNDLE, 'BAD_POLICY', 'A bundle of policies has at most 256 KiB.')
  const bundle = decoded(bytes)
  const { policies, forbids } = engine.load(bundle)
  const known = new Map<string, readonly string[]>()
  const asked = (request: PolicyRequest): readonly string[] => {
    const key = JSON.stringify(request)
    const found = known.get(key) ?? forbids(request)
    if (request.action !== 'grant') known.set(key, found)
    return found
  }
  let tried = 0
  for (const piece of floor()) {
    if (++tried % AT_ONCE === 0) await breathe()
    refuseBreach(piece, asked)
  }
  const hash = policyHash(bytes)
  const cid = policyCid(hash)
  return {
    hash,
    cid,
    name: bundle.name,
    ids: policies.map(p => p.id),
    judge: request => ({ policy: cid, forbids: withinReach(request) ? asked(request) : [] }),
    say(id, language = 'en') {
      const text = policies.find(p => p.id === id)?.text
      return text?.[language] ?? text?.en ?? id
    },
  }
}

function decoded(bytes: Uint8Array) {
  try {
    return decodePolicies(bytes)
  } catch (cause) {
    throw new KeepwellError('BAD_POLICY', 'The bundle is not one that this version reads.', { cause })
  }
}

function refuseBreach(piece: Floored, forbids: (request: PolicyRequest) => readonly string[]): void {
  const breach = breachOf(piece, forbids)
  if (breach) throw new KeepwellError('BAD_POLICY', tellBreach(breach))
}

/** The hash of the bundle that the home's ledger names now; null for none, also on a ledger without such a contract. */
export async function namedPolicy(ctx: Pick<Ctx, 'network' | 'session'>): Promise<Uint8Array | null> {
  const ledger = await homeLedger(ctx)
  try {
    return (await ledger.policies.state()).policy
  } catch (e) {
    if (isKeepwellError(e, 'NOT_SUPPORTED')) return null
    throw e
  }
}

/** The bundle of that hash, from the home's relay. Throws NOT_FOUND, BAD_CID. */
export async function fetchPolicies(ctx: Pick<Ctx, 'network' | 'session'>, hash: Uint8Array): Promise<Uint8Array> {
  const bytes = await (await homeRelay(ctx)).policy(hash)
  if (!bytes) throw new KeepwellError('NOT_FOUND', `The relay does not have the bundle ${toHex(hash).slice(0, 12)} that the ledger names.`)
  ensure(equal(policyHash(bytes), hash), 'BAD_CID', 'The relay gave other policies than those the ledger names.')
  return bytes
}
