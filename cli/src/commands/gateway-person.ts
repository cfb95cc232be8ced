import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { personFile } from '@keepwell/daemon/bin/gateway-rules'
import { linked, type Persons, parted, readPersons, writePersons } from '@keepwell/daemon/gateway/core/persons'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Args } from '#command'
import { namesById, patientIdOf } from '#commands/gateway-patients'
import { withHome } from '#home'
import type { Io } from '#io'
import { namedGiver } from '#names'
import { result, safe } from '#show'

type Verb = (io: Io, args: Args, at: { readonly ctx: Ctx; readonly file: string }) => Promise<void>

const known = async (file: string): Promise<Persons> => readPersons(await readIfThere(file))

/** Whom it concerns hears of it; gives those who could not be reached. */
async function tell(ctx: Ctx, people: readonly Did[], text: string): Promise<Did[]> {
  const unreached: Did[] = []
  for (const to of people)
    await sendNotice(ctx, { to, text }).catch(e => {
      if (!isKeepwellError(e)) throw e
      unreached.push(to)
    })
  return unreached
}

const silent = (unreached: readonly Did[]): string[] =>
  unreached.map(did => `Could not be told, for the relay does not answer: ${safe(did)}. Tell them yourself.`)

const link: Verb = async (io, args, { ctx, file }) => {
  const { ring } = ctx.session.state
  const [one, other] = [args.need('patient'), args.need('with')]
  const people = [one, other].map(name => namedGiver(ring, name))
  const [front, behind] = [patientIdOf(ctx, one), patientIdOf(ctx, other)]
  ensure(front !== behind, 'USAGE', 'These are one record.')
  const person = linked(await known(file), front, behind)
  await writeDurable(file, writePersons(person))
  const text = `${ring.name} shows this record together with another one that was given to it for you. If that is not you, tell them.`
  const unreached = await tell(ctx, people, text)
  result(io, args, { patient: front, with: behind, unreached }, () => [
    `Patient/${front} now shows both records, each under its own consents. Open views end. Undo: keepwell gateway person unlink --patient WHO.`,
    ...silent(unreached),
  ])
}

const unlink: Verb = async (io, args, { ctx, file }) => {
  const name = args.need('patient')
  const id = patientIdOf(ctx, name)
  const before = await known(file)
  ensure(
    before.some(p => p.includes(id)),
    'NOT_FOUND',
    'That record is shown by itself already.',
  )
  await writeDurable(file, writePersons(parted(before, id)))
  const text = `${ctx.session.state.ring.name} shows this record by itself again.`
  const unreached = await tell(ctx, [namedGiver(ctx.session.state.ring, name)], text)
  result(io, args, { patient: id, unreached }, () => [`Patient/${id} is shown by itself again.`, ...silent(unreached)])
}

const list: Verb = async (io, args, { ctx, file }) => {
  const names = namesById(ctx)
  const persons = (await known(file)).map(p => p.map(id => ({ id, name: names.get(id) ?? 'no consent is known' })))
  result(io, args, persons, () =>
    persons.length ? persons.map(p => p.map(v => `${v.id} ${safe(v.name)}`).join('  +  ')) : ['Each record is shown by itself.'],
  )
}

const VERBS: Readonly<Record<string, Verb>> = { link, unlink, list }

/** `keepwell gateway person …`: which records, of those that were given, are one person's. Counts while the gateway runs. */
export async function person(io: Io, args: Args): Promise<void> {
  const [, name = 'list', ...more] = args.positionals
  const verb = Object.hasOwn(VERBS, name) && !more.length ? VERBS[name] : undefined
  ensure(verb, 'USAGE', `Say: keepwell gateway person ${Object.keys(VERBS).join(', ')}.`)
  await withHome(io, args, ({ ctx, dir }) => verb(io, args, { ctx, file: personFile(dir) }), name === 'list' ? { offline: true } : {})
}
