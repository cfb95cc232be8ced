import { EXAMPLE, type KindPlan, readPolicy } from '@keepwell/daemon/gateway/duties/retention'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { asKeeper, type KeeperDesk } from '#commands/gateway-keeper'
import { confirmed } from '#confirm'
import type { Io } from '#io'
import { readText } from '#keys'
import { count, day, result, safe } from '#show'

type Verb = (desk: KeeperDesk) => Promise<void>

const policyOf = async (args: Args) => readPolicy(await readText(args.need('file'), '--file'))

const simulate: Verb = async ({ io, args, duties }) => {
  const policy = await policyOf(args)
  const { hits, ...plan } = await duties.retention.simulate(policy)
  result(io, args, { ...plan, hits: hits.length }, () => [
    ...plan.kinds.flatMap(lines),
    '',
    hits.length
      ? `${count(hits.length, 'thing')} would be deleted. Nothing was. To do it: keepwell gateway retention run with the same file.`
      : 'Nothing would be deleted.',
  ])
}

const WHAT: Readonly<Record<KindPlan['kind'], string>> = {
  trail: 'entries of the trail',
  images: 'files in quarantine that could not be read as images',
  messages: 'HL7 v2 messages that could not be filed',
}

function lines({ kind, rule, kept, due, held, from, to, next }: KindPlan): string[] {
  if (!rule) return [`${WHAT[kind]}: ${kept} kept; no rule, so nothing is deleted`]
  return [
    `${WHAT[kind]}: ${kept} kept, ${due} due${due ? `, from ${day(from!)} to ${day(to!)}` : ''}${held ? `; ${held} more are due and stay because of a hold` : ''}`,
    `  ${count(rule.days, 'day')} (${rule.jurisdiction}): ${safe(rule.law)}${next === null ? '' : `; the next is due on ${day(next)}`}`,
  ]
}

const run: Verb = async ({ io, args, duties }) => {
  const policy = await policyOf(args)
  ensure(await confirmed(io, args, 'Delete what was simulated, for good?'), 'CANCELLED', 'Nothing was deleted.')
  const done = await duties.retention.run(policy)
  result(io, args, done, () => [
    `${count(done.deleted, 'thing')} deleted${done.resumed ? ', finishing a run that was cut short' : ''}${done.kept ? `; ${done.kept} stay because of a hold that was placed meanwhile` : ''}.`,
  ])
}

const VERBS: Readonly<Record<string, Verb>> = { simulate, run }

/** `keepwell gateway retention …`: how long what is kept, by policies that are data; simulated before they run. Also while the gateway runs. */
export async function retention(io: Io, args: Args): Promise<void> {
  const [, name = '', ...more] = args.positionals
  if (name === 'template' && !more.length) return io.print(JSON.stringify(EXAMPLE, null, 2))
  const verb = Object.hasOwn(VERBS, name) && !more.length ? VERBS[name] : undefined
  ensure(verb, 'USAGE', `Say: keepwell gateway retention template, ${Object.keys(VERBS).join(', ')}.`)
  await asKeeper(io, args, verb, { offline: true })
}
