import { makeIds } from '@keepwell/daemon/gateway/core/ids'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { namedGiver } from '#names'

/** The logical id that this gateway has for somebody who gave a consent. */
export function patientIdOf(ctx: Ctx, name: string): string {
  const { ring } = ctx.session.state
  return makeIds(ring.catalog, ring.did, ctx.random).patient(namedGiver(ring, name))
}

/** The names that people know, for logical ids that only this gateway knows. */
export function namesById(ctx: Ctx): Map<string, string> {
  const { ring } = ctx.session.state
  const ids = makeIds(ring.catalog, ring.did, ctx.random)
  return new Map(ring.received.map(g => [ids.patient(g.patient), g.name]))
}
