import type { OpenGrant } from '@keepwell/sdk/actions/access/grants'
import type { SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { type AccessState, decide } from '@keepwell/sdk/consent/decide'
import { type Part, type PolicyVerdict, partOf, policyRole } from '@keepwell/sdk/consent/policy'
import { levelNumber, type Terms } from '@keepwell/sdk/consent/terms'
import type { Policies } from './policies.ts'
import type { RoleRules } from './role-rules.ts'
import type { Under } from './trail.ts'
import type { PatientSession } from './types.ts'

type Asking = PatientSession['actor']

/** What counts beside the consent: what the organisation says of roles, and what governance says. */
export type Rules = { readonly policies: Policies; readonly roles: RoleRules }

export type Judged = {
  /** Which records of a consent, by its commitment, the actor sees. */
  sees(grant: Uint8Array): (record: SessionRecord) => boolean
  /** What leaves nothing, when nothing is left. */
  readonly nothing: 'policy' | 'role' | null
  /** Of a consent, by its commitment, the compartments that are left, where they are not all of it. */
  only(grant: Uint8Array): readonly Uint8Array[] | null
  /** Whether something of what the patient gave is left out. */
  readonly narrowed: boolean
  /** Names of those that took something away. */
  readonly forbids: readonly string[]
  /** The same text for the same decision about what is seen. */
  readonly decision: string
}

/** What the ledger would show for a live consent; the relay looks, this side decides what is left of it. */
const presumed = (t: Terms): AccessState['slot'] => ({
  notBefore: t.notBefore,
  expiry: t.expiry,
  level: levelNumber(t.level),
  state: 'live',
})

const stateOf = (t: Terms, now: number): AccessState => ({
  now,
  slot: presumed(t),
  revoked: false,
  ledgerAge: 0,
  credential: 'none-needed',
})

/** What is left of consents for an actor: part by part what their role, and the policies in force, say to reading or taking out. */
export function judgeReading(
  ctx: Pick<Ctx, 'clock' | 'session'>,
  { policies, roles }: Rules,
  actor: Asking,
  grants: readonly OpenGrant[],
): Judged {
  const current = policies.current()
  const forbids = new Set<string>()
  const { purpose, exporting } = actor
  const parts = partsOf(roles, actor)
  const verdict = (part: Part): { policy?: PolicyVerdict } => {
    const by = { role: policyRole(actor.as ?? actor.role) }
    const policy = current?.judge({ by, action: exporting ? 'export' : 'read', part, purpose })
    for (const id of policy?.forbids ?? []) forbids.add(id)
    return policy ? { policy } : {}
  }
  const reader = ctx.session.state.ring.did
  const open = new Map(
    grants.map(({ grant, terms, package: { compartments } }) => {
      const state = stateOf(terms, ctx.clock())
      const role = parts && { role: compartments.filter(c => parts.includes(c.name)).map(c => c.id) }
      const asked = { action: 'open', reader, purpose, records: [] } as const
      const allowed = compartments
        .filter(c => decide(terms, { ...asked, compartments: [c.id] }, { ...state, ...role, ...verdict(partOf(c.name)) }).allow)
        .map(c => c.id)
      // What a patient named one by one lies in no part that a role has.
      const named =
        terms.records.length > 0 && !parts && decide(terms, { ...asked, compartments: [] }, { ...state, ...verdict('named') }).allow
      const all = allowed.length === compartments.length && (named || terms.records.length === 0)
      return [toHex(grant.commitment), { allowed, all, of: compartments.length, parts: new Set(allowed.map(toHex)), named }] as const
    }),
  )
  const some = [...open.values()].some(o => o.named || o.allowed.length > 0)
  return {
    sees(grant) {
      const found = open.get(toHex(grant))
      return record => found !== undefined && (found.named || found.parts.has(toHex(record.compartment)))
    },
    only(grant) {
      const found = open.get(toHex(grant))
      return found && found.allowed.length < found.of && found.allowed.length > 0 ? found.allowed : null
    },
    narrowed: [...open.values()].some(o => !o.all),
    nothing: some ? null : forbids.size > 0 ? 'policy' : 'role',
    forbids: [...forbids],
    decision: JSON.stringify([...open].map(([id, o]) => [id, [...o.parts], o.named])),
  }
}

type Bearer = Pick<Asking, 'parts' | 'as' | 'role' | 'purpose'>

/** The parts that the role of whoever asks has to do with: none for a purpose that is not the role's; undefined for all. */
function partsOf(roles: RoleRules, { parts, as, role, purpose }: Bearer): readonly string[] | undefined {
  const name = as ?? role
  const rule = Object.hasOwn(roles, name) ? roles[name] : undefined
  if (rule?.purposes && !rule.purposes.includes(purpose)) return []
  return rule?.parts ? rule.parts.filter(p => parts?.includes(p) ?? true) : parts
}

/** Who forbids an actor to write into a part: policies, by name, or what the organisation says of the role. */
export function judgeWriting(
  { policies, roles }: Rules,
  actor: Bearer,
  compartment: string,
): { readonly forbids: readonly string[]; readonly role: boolean } {
  const { purpose, as, role } = actor
  const request = { by: { role: policyRole(as ?? role) }, action: 'write', part: partOf(compartment), purpose } as const
  const parts = partsOf(roles, { role, purpose, ...(as === undefined ? {} : { as }) })
  return { forbids: policies.current()?.judge(request).forbids ?? [], role: parts?.includes(compartment) ?? true }
}

export const under = (policies: Policies, forbids: readonly string[] = []): Under => {
  const current = policies.current()
  return current ? { policy: { cid: current.cid, forbids } } : {}
}

/** In the words of the policies themselves. */
export function againstPolicy(policies: Policies, forbids: readonly string[]): KeepwellError {
  const said = forbids.map(id => policies.current()?.say(id) ?? id)
  return new KeepwellError('AGAINST_POLICY', `A policy in force forbids it: ${said.join(' ')}`)
}
