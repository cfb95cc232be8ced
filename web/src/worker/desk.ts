import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { DeskShare, DeskView, NewRequest, PatientCard, Reader, SentRequest } from '#rpc/clinician.ts'
import type { ShareView } from '#rpc/views.ts'
import { changeDesk, type DeskMemory, readDesk } from './desk-memory.ts'
import { clock } from './platform.ts'
import { receivedShares } from './shares.ts'
import { purposeOf } from './sharing.ts'
import type { OpenVault } from './vault.ts'

/** Longer than a sealed message waits at a relay: after that nobody can answer it any more. */
const REQUEST_LIFE = 30 * 86_400

/** Patients, and what was asked of whom. */
export async function desk(vault: OpenVault): Promise<DeskView> {
  const memory = await readDesk(vault.ctx)
  const { clinician, person, role } = memory
  const shares = receivedShares(vault)
  return {
    reader: { clinician, person: person || vault.ctx.session.state.ring.name, role },
    patients: patientsOf(shares, memory),
    sent: memory.sent.map(s => sentView(s, shares)).reverse(),
  }
}

/** Whether the desk is of use to this person: someone shared with them, or they say that they are a clinician. */
export const hasDesk = async (vault: OpenVault): Promise<boolean> =>
  vault.ctx.session.state.ring.received.length > 0 || (await readDesk(vault.ctx)).clinician

function patientsOf(shares: readonly ShareView[], { opened }: DeskMemory): PatientCard[] {
  const openedAt = (id: string): number | null => opened.find(o => toHex(o.share) === id)?.at ?? null
  return [...Map.groupBy(shares, s => s.did)].map(([did, list]) => {
    const all = list.map((s): DeskShare => ({ ...s, openedAt: openedAt(s.id) })).sort((a, b) => a.level.localeCompare(b.level))
    const live = all.filter(s => s.state === 'live')
    const times = all.flatMap(s => s.openedAt ?? [])
    return {
      did,
      name: list[0]!.name,
      shares: all,
      openedAt: times.length ? Math.max(...times) : null,
      until: Math.max(...(live.length ? live : all).map(s => s.until)),
      live: live.length > 0,
    }
  })
}

function sentView({ id, did, at, name, request }: DeskMemory['sent'][number], shares: readonly ShareView[]): SentRequest {
  // An answer names no request; a share of that kind that came later is taken for one.
  const answered = shares.some(s => s.did === did && s.level === request.level && s.from >= at - 300)
  const { name: _own, ...asked } = request
  return {
    id: toHex(id),
    did,
    name,
    at,
    ...asked,
    state: answered ? 'granted' : at + REQUEST_LIFE < clock() ? 'unanswered' : 'waiting',
  }
}

/** Asks for access; reading and adding are two consents, so two requests. Throws UNKNOWN_PARTY, RELAY_UNREACHABLE. */
export const askForAccess = (vault: OpenVault, input: NewRequest): Promise<void> =>
  vault.run(async ctx => {
    const contact = ctx.session.state.ring.contacts.find(c => c.did === input.to)
    ensure(contact, 'UNKNOWN_PARTY', 'Connect with that person first.')
    ensure(input.levels.length && input.compartments.length, 'BAD_INPUT', 'A request names what it asks for.')
    for (const level of input.levels) {
      const { compartments, seconds, text } = input
      const request = { purpose: purposeOf(input.purpose), level, compartments: [...compartments], seconds, text }
      await requestAccess(ctx, { from: contact.did, ...request })
      const sent = { id: ctx.random(16), did: contact.did, at: ctx.clock(), name: contact.name }
      await changeDesk(ctx, d => ({ ...d, sent: [...d.sent, { ...sent, request: { name: '', ...request } }] }))
    }
  })

export const forgetRequest = ({ ctx }: OpenVault, id: string): Promise<void> =>
  changeDesk(ctx, d => ({ ...d, sent: d.sent.filter(s => toHex(s.id) !== id) }))

export const keepReader = ({ ctx }: OpenVault, { clinician, person, role }: Reader): Promise<void> =>
  changeDesk(ctx, d => ({ ...d, clinician, person: person.trim(), role: role.trim() }))

/** What was seen of a share the last time: its highest write number. */
export const lastSeen = async (ctx: OpenVault['ctx'], share: string): Promise<number | null> =>
  (await readDesk(ctx)).opened.find(o => toHex(o.share) === share)?.seq ?? null

export const noteOpened = (ctx: OpenVault['ctx'], share: string, seq: number): Promise<void> => {
  const id = fromHex(share)
  return changeDesk(ctx, d => ({ ...d, opened: [...d.opened.filter(o => !equal(o.share, id)), { share: id, at: ctx.clock(), seq }] }))
}
