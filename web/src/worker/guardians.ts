import type { Ctx } from '@keepwell/sdk/actions/context'
import {
  askGuardian,
  dealAgain,
  drillGuardians,
  endGuardians,
  guardiansOf,
  removeGuardian,
  setGuardians,
  settleGuardians,
} from '@keepwell/sdk/actions/guardians/guardians'
import { guardiansOwed } from '@keepwell/sdk/actions/guardians/owed'
import { PLEA_PREFIX, pleaCode, readPlea } from '@keepwell/sdk/actions/guardians/plead'
import { acceptGuarding, leaveGuarding } from '@keepwell/sdk/actions/guardians/take'
import { helpRecover } from '@keepwell/sdk/actions/guardians/vote'
import { equal } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import type { Circle } from '@keepwell/sdk/identity/guardians'
import { planHash } from '@keepwell/sdk/identity/recovery-typed-data'
import type { Plea } from '@keepwell/sdk/wire/guardians'
import type { CircleView, GuardedView, GuardiansView, InCharge, PleaView, Unreached } from '#rpc/guardians.ts'
import { RemoteError } from '#rpc/rpc.ts'
import { naming } from './entries.ts'
import { contacts } from './people.ts'
import type { OpenVault } from './vault.ts'

/** Errors whose words in this app are about something else are told by codes of their own. */
const PLAINLY: Readonly<Record<string, string>> = {
  NOT_SUPPORTED: 'GUARDIANS_UNSUPPORTED',
  INVITATION_USED: 'PLEA_OVER',
  BAD_INPUT: 'PLEA_ELSEWHERE',
  BAD_SIGNATURE: 'PLEA_FALSE',
  UNKNOWN_PARTY: 'PLEA_OVER',
  NO_GRANT: 'PLEA_OTHERS',
  DENIED: 'PLEA_OTHER_ROUND',
}

const plainly = (codes: readonly string[]) => (error: unknown) => {
  if (!isKeepwellError(error) || !codes.includes(error.code)) throw error
  throw new RemoteError(PLAINLY[error.code] ?? error.code, error.message)
}

const nameOf = (ctx: Pick<Ctx, 'session'>, did: string, otherwise: string): string => {
  const known = naming(ctx.session.state.ring).party(did)
  return known === did ? otherwise : known
}

export const guardians = (vault: OpenVault): Promise<GuardiansView> =>
  vault.run(async ctx => {
    const { plan, pending } = await settleGuardians(ctx)
    const { asked, circles } = guardiansOf(ctx)
    const found = (hash: Uint8Array | null | undefined) => circles.find(c => hash && equal(planHash(c.plan), hash))
    const newest = circles.at(-1)?.seats ?? []
    const inForce = found(plan)
    const next = found(pending?.plan)
    return {
      inForce: inForce ? circleView(ctx, inForce) : null,
      coming: pending && { from: pending.from, circle: next ? circleView(ctx, next) : null },
      asked: asked.map(({ did, name, address, at }) => ({
        did,
        name: nameOf(ctx, did, name),
        state: address === null ? 'asked' : newest.some(s => s.address === address) ? 'in' : 'agreed',
        at,
      })),
      owed: guardiansOwed(ctx),
      candidates: contacts(vault).flatMap(({ did, name, verified }) =>
        verified && !asked.some(a => a.did === did) ? [{ did, name }] : [],
      ),
    }
  })

const circleView = (ctx: Ctx, { plan, seats }: Circle): CircleView => ({
  take: plan.threshold,
  delay: plan.delay,
  seats: seats.map(({ did, name, drill, drilledAt }) => ({ did, name: nameOf(ctx, did, name), at: drilledAt, waiting: drill !== null })),
})

/** Asks one after another; whom the message did not reach can be asked again. */
export const ask = (vault: OpenVault, dids: readonly string[]): Promise<Unreached> =>
  vault.run(async ctx => {
    const unreached: string[] = []
    for (const did of dids)
      await askGuardian(ctx, did).catch(e => {
        if (!isKeepwellError(e, 'RELAY_UNREACHABLE')) return plainly(['NOT_SUPPORTED'])(e)
        unreached.push(nameOf(ctx, did, did))
      })
    return { unreached }
  })

export const set = (vault: OpenVault, input: InCharge): Promise<Unreached> =>
  vault.run(async ctx => ({ unreached: await setGuardians(ctx, input) })).catch(plainly(['NOT_SUPPORTED']))

export const deal = (vault: OpenVault): Promise<Unreached> => vault.run(async ctx => ({ unreached: await dealAgain(ctx) }))

export const drill = (vault: OpenVault): Promise<Unreached> => vault.run(async ctx => ({ unreached: await drillGuardians(ctx) }))

export const remove = (vault: OpenVault, did: string): Promise<unknown> => vault.run(ctx => removeGuardian(ctx, did))

export const end = (vault: OpenVault): Promise<void> => vault.run(endGuardians)

export const guarding = ({ ctx }: OpenVault): GuardedView[] =>
  (ctx.session.state.ring.guarding ?? []).map(({ vault, name, key, held, at }) => ({
    did: vault,
    name: nameOf(ctx, vault, name),
    state: held ? 'holds' : key ? 'agreed' : 'asked',
    at,
  }))

export const accept = (vault: OpenVault, did: string): Promise<void> => vault.run(ctx => acceptGuarding(ctx, did))

export const leave = (vault: OpenVault, did: string): Promise<unknown> => vault.run(ctx => leaveGuarding(ctx, did))

/** Reads what somebody shows who lost everything: the whole link, or what a camera made of it. */
export async function seePlea({ ctx }: OpenVault, link: string): Promise<{ plea: Plea; view: PleaView }> {
  const plea = readPlea(link.trim().replace(/^.*[#/]/s, PLEA_PREFIX))
  const held = (ctx.session.state.ring.guarding ?? []).filter(g => g.held && g.key)
  const people = held.map(g => ({ did: g.vault, name: nameOf(ctx, g.vault, g.name) }))
  return { plea, view: { device: plea.name, digits: await pleaCode(plea), until: plea.expiry, people } }
}

/** Votes, and gives the share: for the code that was read last, whose digits the person compared. */
export function help(vault: OpenVault, plea: Plea | null, did: string): Promise<void> {
  ensure(plea, 'NOT_FOUND', 'Read the code of whoever asks first.')
  const told = ['INVITATION_USED', 'BAD_INPUT', 'BAD_SIGNATURE', 'UNKNOWN_PARTY', 'NO_GRANT', 'DENIED', 'NOT_SUPPORTED']
  return vault.run(ctx => helpRecover(ctx, plea, did)).catch(plainly(told))
}
