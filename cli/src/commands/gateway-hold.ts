import { makeIds } from '@keepwell/daemon/gateway/core/ids'
import { type Hold, inForce } from '@keepwell/daemon/gateway/duties/holds'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { tellDuty } from '@keepwell/sdk/actions/rights/duties'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Duty } from '@keepwell/sdk/identity/rights'
import type { Args } from '#command'
import { asKeeper, type KeeperDesk } from '#commands/gateway-keeper'
import { namesById } from '#commands/gateway-patients'
import type { Io } from '#io'
import { namedGiver } from '#names'
import { day, result, safe } from '#show'
import { until } from '#words'

type Verb = (desk: KeeperDesk) => Promise<void>

/** Tells a patient, at the relays that their consent names; false when they cannot be reached. */
export async function tellPatient(ctx: Ctx, to: Did, about: string, said: Omit<Duty, 'id'>): Promise<boolean> {
  const relays = receivedGrants(ctx).find(g => g.terms.patient === to)?.package.relays ?? []
  try {
    await tellDuty(ctx, to, { id: sha256(utf8(`keepwell/v1/duty ${about}`)).slice(0, 16), ...said }, relays)
    return true
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return false
  }
}

async function tell({ ctx, duties }: KeeperDesk, hold: Hold): Promise<boolean> {
  const { reason: text, law, since, until: end, lifted: ended } = hold
  const reached = await tellPatient(ctx, hold.did, `hold ${hold.id}`, { kind: 'hold', text, law, since, until: end, ended })
  await duties.holds.told(hold.id, reached)
  return reached
}

const UNREACHED = 'The patient could NOT be told; keepwell gateway hold tell tries again.'

const place: Verb = async desk => {
  const { io, args, ctx, duties } = desk
  const { ring } = ctx.session.state
  const did = namedGiver(ring, args.need('patient'))
  const end = args.text('until')
  const made = await duties.holds.place({
    ...{ patient: makeIds(ring.catalog, ring.did, ctx.random).patient(did), did },
    ...{ reason: args.need('text'), law: args.text('law') ?? '', until: end ? until(end, ctx.clock()) : null },
  })
  const told = await tell(desk, made)
  result(io, args, { ...made, told }, () => [
    `Hold ${made.id}: nothing that this gateway keeps of them is deleted ${made.until === null ? 'until it is lifted' : `until ${day(made.until)}`}.`,
    told ? 'The patient is told. They may still erase their own record.' : UNREACHED,
  ])
}

const lift: Verb = async desk => {
  const { io, args, duties } = desk
  const lifted = await duties.holds.lift(args.need('id'))
  const told = await tell(desk, lifted)
  result(io, args, { ...lifted, told }, () => ['The hold is lifted.', told ? 'The patient is told.' : UNREACHED])
}

/** Again to all of whom it is not known that they were told. */
const again: Verb = async desk => {
  const { io, args, duties } = desk
  const open = (await duties.holds.list()).filter(h => !h.told)
  let reached = 0
  for (const hold of open) if (await tell(desk, hold)) reached++
  result(io, args, { reached, unreached: open.length - reached }, () => [`${reached} of ${open.length} told.`])
}

const list: Verb = async ({ io, args, ctx, duties }) => {
  const all = await duties.holds.list()
  const names = namesById(ctx)
  const now = ctx.clock()
  const state = (h: Hold): string =>
    h.lifted !== null
      ? `lifted ${day(h.lifted)}`
      : !inForce(h, now)
        ? `over since ${day(h.until!)}`
        : h.until === null
          ? 'in force'
          : `in force until ${day(h.until)}`
  result(io, args, all, () =>
    all.length
      ? all.flatMap(h => [
          `${h.id}  ${safe(names.get(h.patient) ?? h.patient)}  since ${day(h.since)}, ${state(h)}${h.told ? '' : ', the patient is NOT told'}`,
          `  ${h.law ? `${safe(h.law)}: ` : ''}${safe(h.reason)}`,
        ])
      : ['There are no holds.'],
  )
}

const VERBS: Readonly<Record<string, Verb>> = { place, lift, list, tell: again }

/** `keepwell gateway hold …`: what the organisation keeps of a patient is not deleted, and the patient sees it. */
export async function hold(io: Io, args: Args): Promise<void> {
  const [, name = 'list', ...more] = args.positionals
  const verb = Object.hasOwn(VERBS, name) && !more.length ? VERBS[name] : undefined
  ensure(verb, 'USAGE', `Say: keepwell gateway hold ${Object.keys(VERBS).join(', ')}.`)
  await asKeeper(io, args, verb, { offline: name === 'list' })
}
