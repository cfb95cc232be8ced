import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { invite, join } from '@keepwell/sdk/actions/access/invite'
import { openSession, type ReadingSession } from '@keepwell/sdk/actions/access/open-session'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Draft } from '@keepwell/sdk/records/pack'

export const DAY = 86_400

export const didOf = (ctx: Pick<Ctx, 'session'>): Did => ctx.session.state.ring.did
export const compartment = (ctx: Pick<Ctx, 'session'>, name: string): Uint8Array => compartmentNamed(ctx.session.state.ring, name).id

export const observation = (title: string): Uint8Array =>
  utf8(JSON.stringify({ resourceType: 'Observation', status: 'final', code: { text: title } }))

/** One FHIR record for a compartment of the own vault. */
export function draft(ctx: Ctx, where: string, title: string, body: Uint8Array = observation(title)): Draft {
  return {
    id: ctx.random(16),
    kind: 'fhir',
    mediaType: 'application/fhir+json',
    compartment: compartment(ctx, where),
    authoredAt: ctx.clock(),
    body,
    facts: { resourceType: 'Observation', title, codes: [], canonical: sha256(body) },
  }
}

/** First contact by link: afterwards each knows the other. */
export async function introduce(inviter: Ctx, guest: Ctx): Promise<void> {
  await join(guest, await invite(inviter))
  await receiveMessages(inviter)
}

/** A read grant of compartments, received by the grantee; gives its commitment. */
export async function share(from: Ctx, to: Ctx, names: readonly string[], days = 90): Promise<Uint8Array> {
  const compartments = names.map(name => compartment(from, name))
  const given = await grant(from, { to: didOf(to), level: 'read', purposes: ['TREAT'], compartments, expiry: from.clock() + days * DAY })
  await receiveMessages(to)
  return given.commitment
}

export const read = (reader: Ctx, commitment: Uint8Array): Promise<ReadingSession> =>
  openSession(reader, { grant: commitment, purpose: 'TREAT', person: 'Dr. Mallory Test' })

export const newestGrant = (reader: Ctx): Uint8Array => receivedGrants(reader)[0]!.grant.commitment
