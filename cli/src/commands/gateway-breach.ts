import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { makeIds } from '@keepwell/daemon/gateway/core/ids'
import { type Affected, affectedBy, type Question } from '@keepwell/daemon/gateway/duties/affected'
import { type Breach, NOTICES, type Notice, toBeTold } from '@keepwell/daemon/gateway/duties/breaches'
import { draft, type Residents } from '@keepwell/daemon/gateway/duties/drafts'
import { readProcessing } from '@keepwell/daemon/gateway/duties/processing'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { tellPatient } from '#commands/gateway-hold'
import { asKeeper, type KeeperDesk, moment } from '#commands/gateway-keeper'
import { namesById } from '#commands/gateway-patients'
import { settingsFile } from '#commands/gateway-processing'
import type { Io } from '#io'
import { count, day, result, safe, table, when } from '#show'
import { purpose } from '#words'

type Verb = (desk: KeeperDesk) => Promise<void>

const open: Verb = async ({ io, args, ctx, duties }) => {
  const aware = args.text('aware')
  const made = await duties.breaches.open({ title: args.need('title'), aware: aware ? moment(aware) : ctx.clock() })
  result(io, args, made, () => [
    `Incident ${made.id}. The authority is to be told until ${when(made.due.authority)}, if people are at risk.`,
    `Who is affected: keepwell gateway breach affected --id ${made.id} --from WHEN --to WHEN`,
  ])
}

const list: Verb = async ({ io, args, ctx, duties }) => {
  const all = await duties.breaches.list()
  result(io, args, all.map(withoutPeople), () => (all.length ? all.flatMap(b => lines(b, ctx.clock())) : ['No incident is written down.']))
}

const withoutPeople = ({ found, told, ...b }: Breach) => ({
  ...b,
  told: told.length,
  found: found && { at: found.at, question: found.question, affected: found.answer.affected.length, unsure: found.answer.unsure.length },
})

function lines(b: Breach, now: number): string[] {
  const left = Math.floor((b.due.authority - now) / 3600)
  const clock = b.sent.authority
    ? `the authority was told ${when(b.sent.authority)}`
    : left >= 0
      ? `${count(left, 'hour')} left to tell the authority`
      : `LATE: the authority was to be told until ${when(b.due.authority)}`
  const sent = NOTICES.filter(n => n !== 'authority' && b.sent[n]).map(n => `${n} told ${day(b.sent[n]!)}`)
  return [
    `${b.id}  ${safe(b.title)}`,
    `  aware since ${when(b.aware)}; ${b.closed ? `closed ${day(b.closed.at)}: ${safe(b.closed.text)}` : clock}`,
    ...(b.found ? [`  affected: ${foundLine(b)}`] : []),
    ...(b.told.length ? [`  ${count(b.told.length, 'patient')} told in the app`] : []),
    ...(sent.length ? [`  ${sent.join(', ')}`] : []),
    ...b.notes.map(n => `  ${when(n.at)}, ${safe(n.by)}: ${safe(n.text)}`),
  ]
}

const foundLine = ({ found }: Breach): string => {
  const { affected, unsure, unproven } = found!.answer
  const more = [
    ...(unsure.length ? [`${unsure.length} more cannot be ruled out`] : []),
    ...(unproven.length ? [`${unproven.length} openings without a receipt that proves them`] : []),
  ]
  return [count(affected.length, 'patient'), ...more].join('; ')
}

const affected: Verb = async ({ io, args, ctx, duties }) => {
  const { id } = await duties.breaches.get(args.need('id'))
  const question: Question = {
    from: moment(args.need('from')),
    to: moment(args.need('to')),
    persons: args.list('person'),
    apps: args.list('app'),
    types: args.list('type'),
    purposes: args.text('purpose') ? [purpose(args.text('purpose')!)] : [],
  }
  ensure(question.from <= question.to, 'USAGE', '--from comes before --to.')
  const { ring } = ctx.session.state
  const answer = await affectedBy(duties.trail, makeIds(ring.catalog, ring.did, ctx.random), question)
  const after = await duties.breaches.step(id, { step: 'affected', question, answer })
  const names = namesOf(ctx)
  const named = (all: readonly Affected[]) => all.map(a => ({ name: names(a), ...a }))
  const out = args.text('out')
  if (out) await writeDurable(out, utf8(`${JSON.stringify({ affected: named(answer.affected), unsure: named(answer.unsure) }, null, 2)}\n`))
  result(io, args, { id, affected: named(answer.affected), unsure: named(answer.unsure), unproven: answer.unproven }, () => [
    foundLine(after),
    ...table(named(answer.affected).map(row)),
    ...(answer.unsure.length ? ['Cannot be ruled out:', ...table(named(answer.unsure).map(row))] : []),
    ...(out ? [`Saved: ${out}. It lies there unsealed.`] : []),
  ])
}

const row = (a: Affected & { readonly name: string }): string[] => [
  safe(a.name),
  count(a.events.length, 'opening'),
  count(a.records, 'record'),
  `${when(a.first)} to ${when(a.last)}`,
  a.persons.map(safe).join(', '),
]

/** As consents and contacts name them; for whom neither does, the id that this gateway has. */
function namesOf(ctx: Ctx): (a: Affected) => string {
  const byId = namesById(ctx)
  const { contacts } = ctx.session.state.ring
  return a => byId.get(a.patient) ?? contacts.find(c => c.did === a.did)?.name ?? a.patient
}

const drafts: Verb = async ({ io, args, ctx, dir, duties }) => {
  const breach = await duties.breaches.get(args.need('id'))
  const notice = noticeOf(args)
  const kept = await readIfThere(settingsFile(dir))
  const text = draft(notice, { breach, settings: kept && readProcessing(kept), residents: residentsOf(args), now: ctx.clock() })
  result(io, args, { id: breach.id, notice, text }, () => text)
}

function noticeOf(args: Args): Notice {
  const notice = NOTICES.find(n => n === args.need('notice'))
  ensure(notice, 'USAGE', `--notice is one of ${NOTICES.join(', ')}.`)
  return notice
}

function residentsOf(args: Args): Residents {
  const all = (args.text('residents') ?? '').split(',').filter(Boolean)
  return Object.fromEntries(
    all.map(one => {
      const [, state, n] = /^\s*([A-Za-z]{2})=(\d{1,9})\s*$/.exec(one) ?? []
      ensure(state && n, 'USAGE', '--residents is written CA=612,NY=40.')
      return [state.toUpperCase(), Number(n)]
    }),
  )
}

const sent: Verb = async ({ io, args, ctx, duties }) => {
  const on = args.text('on')
  const step = { step: 'sent', notice: noticeOf(args), sent: on ? moment(on) : ctx.clock() } as const
  const after = await duties.breaches.step(args.need('id'), step)
  result(io, args, withoutPeople(after), () => lines(after, ctx.clock()))
}

const note: Verb = async ({ io, args, ctx, duties }) => {
  const after = await duties.breaches.step(args.need('id'), { step: 'note', text: args.need('text') })
  result(io, args, withoutPeople(after), () => lines(after, ctx.clock()))
}

const close: Verb = async ({ io, args, ctx, duties }) => {
  const before = await duties.breaches.get(args.need('id'))
  const late = !before.sent.authority && toBeTold(before).length > 0
  if (late && !args.json) io.note('The authority was not told. Say in --text why people are not at risk (GDPR 33(1)).')
  const after = await duties.breaches.step(before.id, { step: 'close', text: args.need('text') })
  result(io, args, withoutPeople(after), () => lines(after, ctx.clock()))
}

/** Says it to each of the affected in their app, whoever of them can be reached; who was told already is not told again. */
const tell: Verb = async ({ io, args, ctx, duties }) => {
  const breach = await duties.breaches.get(args.need('id'))
  const text = args.need('text')
  ensure(breach.found, 'BAD_INPUT', 'Ask first who is affected: keepwell gateway breach affected.')
  ensure(text.length <= 4000, 'BAD_INPUT', 'At most 4,000 characters are told.')
  const { question } = breach.found
  const whom = toBeTold(breach).filter(a => !breach.told.includes(a.patient))
  const reached: string[] = []
  const unreached: string[] = []
  for (const { patient, did, first, last } of whom) {
    const said = {
      kind: 'breach',
      text,
      law: args.text('law') ?? 'GDPR 34',
      since: Math.max(question.from, first),
      until: last,
      ended: null,
    } as const
    const told = did !== null && (await tellPatient(ctx, did, `breach ${breach.id}`, said))
    ;(told ? reached : unreached).push(patient)
  }
  if (whom.length) await duties.breaches.step(breach.id, { step: 'told', patients: reached, unreached })
  result(io, args, { reached: reached.length, unreached: unreached.length }, () => [
    `${count(reached.length, 'patient')} told${breach.told.length ? `, ${breach.told.length} were before` : ''}.`,
    ...(unreached.length ? [`${count(unreached.length, 'patient')} could NOT be reached: write to them by other means.`] : []),
  ])
}

const VERBS: Readonly<Record<string, Verb>> = { open, list, affected, draft: drafts, note, sent, tell, close }

/** `keepwell gateway breach …`: the organisation's register of breaches (GDPR 33(5)). Also while the gateway runs. */
export async function breach(io: Io, args: Args): Promise<void> {
  const [, name = 'list', ...more] = args.positionals
  const verb = Object.hasOwn(VERBS, name) && !more.length ? VERBS[name] : undefined
  ensure(verb, 'USAGE', `Say: keepwell gateway breach ${Object.keys(VERBS).join(', ')}.`)
  await asKeeper(io, args, verb, { offline: name !== 'tell' })
}
