import type { Ctx } from '@keepwell/sdk/actions/context'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Ids } from './ids.ts'
import { againstPolicy, judgeReading, judgeWriting, under } from './judging.ts'
import type { SessionParts } from './memory.ts'
import { readingGrants } from './patients.ts'
import type { Policies } from './policies.ts'
import type { HeldSession } from './session.ts'
import { accesses, refusal, type Trail, type Under } from './trail.ts'
import type { Actor, GatewayPatient } from './types.ts'

/** A session lasts a working day at most, so that what was erased meanwhile is not shown for longer. */
const LONGEST = 8 * 3600

type Here = {
  readonly ctx: Ctx
  readonly ids: Ids
  readonly url: string
  readonly large: number
  readonly trail: Trail
  readonly policies: Policies
}

/** What an actor may do at a patient, and the refusals, each of which is noted. */
export type Reading = {
  refused(actor: Actor, patient: string, why: string): KeepwellError
  /** What opening a record takes. Throws NO_GRANT, AGAINST_POLICY. */
  parts(actor: Actor, patient: GatewayPatient): SessionParts
  /** What writing takes; its `mayFile` throws AGAINST_POLICY. */
  writing(actor: Actor, patient: GatewayPatient): { readonly mayFile: (compartment: string) => void; readonly under: Under }
  /** Whether the policies of now decide as when the session was opened. */
  asDecided(session: HeldSession): boolean
}

export function readingHere({ ctx, ids, url, large, trail, policies }: Here): Reading {
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
      const { person, role, purpose, parts, exporting } = who
      const grants = readingGrants(ctx, patient.did, purpose)
      if (grants.length === 0) throw refused(who, patient.id, 'The patient gave no live consent to read for that purpose.')
      const actor = { person, role, purpose, ...(parts ? { parts } : {}), ...(exporting === undefined ? {} : { exporting }) }
      const { sees, blocked, forbids, decision } = judgeReading(ctx, policies, actor, grants)
      if (blocked) throw forbidden(who, patient.id, forbids)
      return {
        ctx,
        ids,
        url,
        patient,
        actor,
        grants: grants.map(g => g.grant.commitment),
        expires: Math.min(ctx.clock() + LONGEST, ...grants.map(g => g.terms.expiry)),
        large,
        sees,
        decision,
        policy: () => policies.current()?.hash ?? null,
        ...accesses(trail, who, patient.id, () => under(policies, forbids)),
      }
    },
    writing: (actor, patient) => ({
      mayFile(compartment) {
        const forbids = judgeWriting(policies, actor, compartment)
        if (forbids.length) throw forbidden(actor, patient.id, forbids)
      },
      under: under(policies),
    }),
    asDecided: ({ actor, patient, decision }) =>
      judgeReading(ctx, policies, actor, readingGrants(ctx, patient.did, actor.purpose)).decision === decision,
  }
}
