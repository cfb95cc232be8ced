import type { Ctx } from '#actions/context'
import { limitsOf } from '#actions/rights/ring'
import { callRelay, homeRelay, signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { ownWord } from '#actions/vault/own-word'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { declined } from '#consent/limits'
import { checkFloor, covered, MONTH, type RuleMessage, ruleMessage, within } from '#consent/rule'
import { sha256 } from '#crypto/hash'
import type { KeptRule, Keyring, RuleUse } from '#identity/keyring'
import { peek, sign, signed, verifySigned } from '#identity/signed'
import { grant } from './grant.ts'
import { peekRequests, type WaitingRequest } from './peek-requests.ts'
import { revoke } from './revoke.ts'
import { sendNotice } from './send-notice.ts'
import { trustVouched } from './trust-vouched.ts'

type Ruling = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'policies'>

/** Rules and uses of a vault are few; the oldest uses are forgotten. */
const MAX_USES = 500

export const readRule = (kept: KeptRule): RuleMessage => peek(decodeAs(signed, kept.signed), ruleMessage)
const rulesOf = (ring: Keyring): readonly KeptRule[] => ring.rules ?? []
const idOf = (kept: KeptRule): string => toHex(readRule(kept).id)

/** Signs a rule and keeps it where all devices see it. Throws BAD_INPUT for one that is below the floor. */
export async function makeRule(ctx: Ruling, input: Omit<RuleMessage, 'v' | 'vault' | 'id'>): Promise<RuleMessage> {
  const { ring } = ctx.session.state
  const rule: RuleMessage = { v: 1, vault: ring.did, id: ctx.random(16), ...input }
  checkFloor(rule, ring)
  const kept: KeptRule = { signed: encode(await sign(signerOf(ring), 'rule', rule)), ended: false, uses: [] }
  await changeRing(ctx, r => ({ ...r, rules: [...rulesOf(r), kept] }))
  return rule
}

/** Ends a rule, and with `given` what was given under it. What waits under it is given no more. Returns how many consents ended. */
export async function endRule(ctx: Ruling, id: Uint8Array, options: { readonly given?: boolean } = {}): Promise<number> {
  const kept = rulesOf(ctx.session.state.ring).find(k => idOf(k) === toHex(id))
  if (!kept) throw new KeepwellError('NOT_FOUND', 'There is no such rule.')
  await changeRing(ctx, r => ({ ...r, rules: rulesOf(r).map(k => (idOf(k) === toHex(id) ? { ...k, ended: true } : k)) }))
  if (!options.given) return 0
  const live = ctx.session.state.ring.given.filter(
    g => g.state === 'live' && kept.uses.some(u => u.commitment && equal(u.commitment, g.commitment)),
  )
  for (const g of live) await revoke(ctx, g.commitment)
  return live.length
}

/** Keeps a use that waits from being given. Throws NOT_FOUND when none of that request waits. */
export async function vetoUse(ctx: Ruling, request: Uint8Array): Promise<void> {
  const waits = (u: RuleUse): boolean => equal(u.request, request) && u.state === 'waiting'
  const found = rulesOf(ctx.session.state.ring).some(k => k.uses.some(waits))
  ensure(found, 'NOT_FOUND', 'No such use of a rule is waiting; end the consent instead.')
  await changeUse(ctx, request, u => (waits(u) ? { ...u, state: 'vetoed' } : u))
}

const changeUse = (ctx: Ruling, request: Uint8Array, to: (u: RuleUse) => RuleUse): Promise<Keyring> =>
  changeRing(ctx, r => ({
    ...r,
    rules: rulesOf(r).map(k => ({ ...k, uses: k.uses.map(u => (equal(u.request, request) ? to(u) : u)) })),
  }))

export type Applied = {
  /** What was given now, and what waits for its veto to pass: lines for the person. */
  readonly given: readonly string[]
  readonly announced: readonly string[]
  /** Rules that count for nothing: not signed by this vault, altered, or below the floor. */
  readonly ignored: number
}

/**
 * Answers requests under the patient's rules: announces a use, waits for a veto, gives, and tells the person each time. A request that no rule
 * covers stays in the mailbox for the person, as does every other message. The signature, the floor and the cap are looked at each time.
 */
export async function applyRules(ctx: Ruling): Promise<Applied> {
  const out = { given: [] as string[], announced: [] as string[], ignored: 0 }
  const valid: RuleMessage[] = []
  for (const kept of rulesOf(ctx.session.state.ring)) {
    const rule = kept.ended ? null : await checkRule(ctx, kept)
    if (rule) valid.push(rule)
    else if (!kept.ended) out.ignored++
  }
  if (valid.length === 0) return out
  for (const one of await peekRequests(ctx)) {
    const limits = limitsOf(ctx.session.state.ring)?.limits ?? null
    const rule = declined(limits, one.request.purpose) ? undefined : valid.find(r => within(r, one, ctx.session.state.ring, ctx.clock()))
    if (rule && (await announce(ctx, rule, one))) out.announced.push(one.name)
  }
  for (const rule of valid) out.given.push(...(await giveDue(ctx, rule)))
  return out
}

/** What the signature says; null for a rule that counts for nothing: not signed by this vault, altered, or below the floor. */
export const checkRule = (ctx: Ruling, kept: KeptRule): Promise<RuleMessage | null> =>
  ownWord(ctx, kept.signed, async (thing, keys) => {
    const rule = await verifySigned(thing, 'rule', ruleMessage, keys)
    checkFloor(rule, ctx.session.state.ring)
    return rule
  })

/** Writes a use down, within the cap, before its message is taken; false when the month's uses are spent. */
async function announce(ctx: Ruling, rule: RuleMessage, one: WaitingRequest): Promise<boolean> {
  const request = sha256(one.id)
  const now = ctx.clock()
  const use: RuleUse = {
    request,
    grantee: one.did,
    name: one.name,
    at: now,
    due: now + rule.veto,
    state: 'waiting',
    commitment: null,
    purpose: one.request.purpose,
    seconds: one.request.seconds,
    compartments: [...one.request.compartments],
  }
  const known = (r: Keyring): boolean => rulesOf(r).some(k => k.uses.some(u => equal(u.request, request)))
  const free = (k: KeptRule): boolean => k.uses.filter(u => u.at > now - MONTH && u.state !== 'vetoed').length < rule.cap
  if (!known(ctx.session.state.ring)) {
    await changeRing(ctx, r => ({
      ...r,
      rules: rulesOf(r).map(k =>
        idOf(k) === toHex(rule.id) && !k.ended && free(k) && !known(r) ? { ...k, uses: [...k.uses, use].slice(-MAX_USES) } : k,
      ),
    }))
    if (!known(ctx.session.state.ring)) return false
    if (rule.to === null && one.request.credential)
      await trustVouched(ctx, { did: one.did, credential: one.request.credential, relays: one.relays })
    if (rule.veto)
      await tellPerson(
        ctx,
        `Under your rule “${rule.name}”, ${one.name} will be given ${words(use)} at ${iso(use.due)}, unless you say no: keepwell rules --veto ${toHex(request).slice(0, 12)}`,
      )
  }
  await callRelay(ctx, await homeRelay(ctx), 'take-messages', { done: [one.id] })
  return true
}

/** Gives what was announced and not vetoed. It is marked first: a crash in between gives nothing, rather than twice. */
async function giveDue(ctx: Ruling, rule: RuleMessage): Promise<string[]> {
  const mine = (): KeptRule | undefined => rulesOf(ctx.session.state.ring).find(k => idOf(k) === toHex(rule.id))
  const names: string[] = []
  for (const { request } of mine()?.uses.filter(u => u.state === 'waiting' && u.due <= ctx.clock()) ?? []) {
    await changeUse(ctx, request, u => (u.state === 'waiting' ? { ...u, state: 'given' } : u))
    const kept = mine()
    const use = kept?.uses.find(u => equal(u.request, request))
    // Another device ended the rule or said no meanwhile.
    if (!kept || kept.ended || use?.state !== 'given') continue
    // Uses lie beside the rule, unsigned: what they say is held against it once more.
    const what = covered(rule, use, ctx.session.state.ring)
    if (!what || ctx.clock() >= rule.expiry) {
      await changeUse(ctx, request, u => ({ ...u, state: 'failed' }))
      continue
    }
    const { purpose, compartments } = what
    const expiry = ctx.clock() + use.seconds
    // Whoever is let in for a role keeps it only as long as somebody vouches for that role.
    const terms = { to: use.grantee, level: 'read', purposes: [purpose], compartments, expiry, whileVouched: rule.to === null } as const
    const done = await grant(ctx, { ...terms, standing: true }).catch(async e => {
      await changeUse(ctx, request, u => ({ ...u, state: 'failed' }))
      if (!isKeepwellError(e, 'AGAINST_POLICY')) throw e
      await tellPerson(ctx, `Under your rule “${rule.name}”, ${use.name} was not given ${words(use)}: ${e.message}`)
      return null
    })
    if (!done) continue
    const { commitment } = done
    await changeUse(ctx, request, u => ({ ...u, commitment }))
    await tellPerson(
      ctx,
      `Under your rule “${rule.name}”, ${use.name} was given ${words(use)}. To end it: keepwell revoke ${toHex(commitment).slice(0, 12)}`,
    )
    names.push(use.name)
  }
  return names
}

const iso = (time: number): string => `${new Date(time * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
const words = (u: RuleUse): string => `${u.compartments.join(', ')} to read for ${Math.max(1, Math.round(u.seconds / 86_400))} days`
const tellPerson = (ctx: Ruling, text: string): Promise<void> => sendNotice(ctx, { to: ctx.session.state.ring.did, text })
