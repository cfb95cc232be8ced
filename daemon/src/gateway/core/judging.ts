import type { OpenGrant } from '@keepwell/sdk/actions/access/grants'
import type { SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { type AccessState, decide } from '@keepwell/sdk/consent/decide'
import { type Part, type PolicyVerdict, partOf, policyRole } from '@keepwell/sdk/consent/policy'
import { levelNumber, type Terms } from '@keepwell/sdk/consent/terms'
import type { Policies } from './policies.ts'
import type { Under } from './trail.ts'
import type { Actor, PatientSession } from './types.ts'

type Asking = PatientSession['actor']

export type Judged = {
  /** Which records of a consent, by its commitment, the actor sees. */
  sees(grant: Uint8Array): (record: SessionRecord) => boolean
  /** The policies are what leaves nothing. */
  readonly blocked: boolean
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
export function judgeReading(ctx: Pick<Ctx, 'clock' | 'session'>, policies: Policies, actor: Asking, grants: readonly OpenGrant[]): Judged {
  const current = policies.current()
  const forbids = new Set<string>()
  const { purpose, exporting, parts } = actor
  const verdict = (part: Part): { policy?: PolicyVerdict } => {
    const by = { role: policyRole(exporting ?? actor.role) }
    const policy = current?.judge({ by, action: exporting === undefined ? 'read' : 'export', part, purpose })
    for (const id of policy?.forbids ?? []) forbids.add(id)
    return policy ? { policy } : {}
  }
  const reader = ctx.session.state.ring.did
  const open = new Map(
    grants.map(({ grant, terms, package: { compartments } }) => {
      const state = stateOf(terms, ctx.clock())
      const role = parts && { role: compartments.filter(c => parts.includes(c.name)).map(c => c.id) }
      const asked = { action: 'open', reader, purpose, records: [] } as const
      const allowed = compartments.filter(
        c => decide(terms, { ...asked, compartments: [c.id] }, { ...state, ...role, ...verdict(partOf(c.name)) }).allow,
      )
      // What a patient named one by one lies in no part that a role has.
      const named =
        terms.records.length > 0 && !parts && decide(terms, { ...asked, compartments: [] }, { ...state, ...verdict('named') }).allow
      return [toHex(grant.commitment), { parts: new Set(allowed.map(c => toHex(c.id))), named }] as const
    }),
  )
  const nothing = [...open.values()].every(o => o.parts.size === 0 && !o.named)
  return {
    sees(grant) {
      const found = open.get(toHex(grant))
      return record => found !== undefined && (found.named || found.parts.has(toHex(record.compartment)))
    },
    blocked: nothing && forbids.size > 0,
    forbids: [...forbids],
    decision: JSON.stringify([...open].map(([id, o]) => [id, [...o.parts], o.named])),
  }
}

/** Names of the policies that forbid an actor to write into a part. */
export const judgeWriting = (
  policies: Policies,
  { role, purpose }: Pick<Actor, 'role' | 'purpose'>,
  compartment: string,
): readonly string[] =>
  policies.current()?.judge({ by: { role: policyRole(role) }, action: 'write', part: partOf(compartment), purpose }).forbids ?? []

export const under = (policies: Policies, forbids: readonly string[] = []): Under => {
  const current = policies.current()
  return current ? { policy: { cid: current.cid, forbids } } : {}
}

/** In the words of the policies themselves. */
export function againstPolicy(policies: Policies, forbids: readonly string[]): KeepwellError {
  const said = forbids.map(id => policies.current()?.say(id) ?? id)
  return new KeepwellError('AGAINST_POLICY', `A policy in force forbids it: ${said.join(' ')}`)
}
