import type { OpenGrant } from '@keepwell/sdk/actions/access/grants'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Purpose } from '@keepwell/sdk/consent/terms'
import type { Ids } from './ids.ts'
import { againstPolicy, judgeReading, judgeWriting, type Rules, under } from './judging.ts'
import type { Kept } from './kept.ts'
import type { SessionParts } from './memory.ts'
import { givenBy, readingGrants } from './patients.ts'
import type { Policies } from './policies.ts'
import type { RoleRules } from './role-rules.ts'
import type { Scanning } from './scanning.ts'
import type { HeldSession } from './session.ts'
import { accesses, refusal, type Trail, type Under } from './trail.ts'
import type { Actor, GatewayPatient } from './types.ts'
import type { UnderWay } from './under-way.ts'

/** A session lasts a working day at most, so that what was erased is not shown for longer, should the word of it be lost. */
const LONGEST = 8 * 3600

type Here = {
  readonly ctx: Ctx
  readonly ids: Ids
  readonly url: string
  readonly large: number
  readonly trail: Trail
  readonly policies: Policies
  readonly roles: Kept<RoleRules>
  readonly keep: UnderWay['keep']
  readonly scanning: Scanning | undefined
}

/** What an actor may do at a patient, and the refusals, each of which is noted. */
export type Reading = {
  refused(actor: Actor, patient: string, why: string): KeepwellError
  /** What opening a record takes. Throws NO_GRANT, AGAINST_POLICY. */
  parts(actor: Actor, patient: GatewayPatient): SessionParts
  /** What writing takes; its `mayFile` throws AGAINST_POLICY. */
  writing(actor: Actor, patient: GatewayPatient): { readonly mayFile: (compartment: string) => void; readonly under: Under }
  /** DIDs of patients who gave something that whoever asks may see or write into, for one of these purposes. */
  met(who: Bearing, purposes: readonly Purpose[]): ReadonlySet<string>
  /** Whether the rules of now decide as when the session was opened. */
  asDecided(session: HeldSession): boolean
}

type Bearing = Pick<Actor, 'role' | 'as' | 'parts'>

/** Whether something of these consents is for somebody of that role and purpose to see, or to write into. */
function meets(
  { ctx, rules }: { ctx: Ctx; rules: Rules },
  who: Bearing & { readonly purpose: Purpose },
  grants: readonly OpenGrant[],
): boolean {
  const fitting = grants.filter(g => g.terms.purposes.includes(who.purpose))
  const reads = fitting.filter(g => g.terms.level !== 'write')
  if (reads.length && judgeReading(ctx, rules, { person: '', ...who }, reads).nothing === null) return true
  const into = fitting.filter(g => g.terms.level === 'write').flatMap(g => g.package.compartments.map(c => c.name))
  return into.some(name => (who.parts?.includes(name) ?? true) && judgeWriting(rules, who, name).role)
}

export function readingHere({ ctx, ids, url, large, trail, policies, roles, keep, scanning }: Here): Reading {
  const rules = (): Rules => ({ policies, roles: roles.current() })
  const refused = (actor: Actor, patient: string, why: string): KeepwellError => {
    trail.note(refusal(actor, patient, ctx.clock(), why))
    return new KeepwellError('NO_GRANT', why)
  }
  const forbidden = (actor: Actor, patient: string, forbids: readonly string[]): KeepwellError => {
    const error = againstPolicy(policies, forbids)
    trail.note(refusal(actor, patient, ctx.clock(), error.message, under(policies, forbids)))
    return error
  }
  return {
    refused,
    parts(who, patient) {
      const { person, role, purpose, parts, as, exporting } = who
      const grants = readingGrants(ctx, patient, purpose)
      if (grants.length === 0) throw refused(who, patient.id, 'The patient gave no live consent to read for that purpose.')
      const actor = {
        person,
        role,
        purpose,
        ...(parts ? { parts } : {}),
        ...(as === undefined ? {} : { as }),
        ...(exporting ? { exporting } : {}),
      }
      const { sees, only, narrowed, nothing, forbids, decision } = judgeReading(ctx, rules(), actor, grants)
      if (nothing === 'policy') throw forbidden(who, patient.id, forbids)
      if (nothing) throw refused(who, patient.id, 'The role of whoever asks has nothing to do with what the patient gave.')
      return {
        ctx,
        ids,
        url,
        patient,
        actor,
        grants: grants.map(g => g.grant.commitment),
        expires: Math.min(ctx.clock() + LONGEST, ...grants.map(g => g.terms.expiry)),
        large,
        keep,
        sees,
        only,
        narrowed,
        decision,
        policy: () => policies.current()?.hash ?? null,
        ...(scanning ? { sift: scanning.outgoing(who, patient.id) } : {}),
        ...accesses(trail, who, ids.patient, () => under(policies, forbids)),
      }
    },
    writing: (actor, patient) => ({
      mayFile(compartment) {
        const { forbids, role } = judgeWriting(rules(), actor, compartment)
        if (forbids.length) throw forbidden(actor, patient.id, forbids)
        if (!role) throw refused(actor, patient.id, 'The role of whoever asks writes nothing into that part.')
      },
      under: under(policies),
    }),
    met(who, purposes) {
      const found = new Set<string>()
      for (const [did, grants] of givenBy(ctx))
        if (purposes.some(p => meets({ ctx, rules: rules() }, { ...who, purpose: p }, grants))) found.add(did)
      return found
    },
    asDecided: ({ actor, patient, decision }) =>
      judgeReading(ctx, rules(), actor, readingGrants(ctx, patient, actor.purpose)).decision === decision,
  }
}
