import { readFile } from 'node:fs/promises'
import { fetchPolicies, type PolicyInForce, readPolicies } from '@keepwell/sdk/actions/governance/policy-in-force'
import { publishPolicies } from '@keepwell/sdk/actions/governance/publish-policies'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { ACTORS, encodePolicies, PARTS, type PolicyRequest, policyCid, SCHEMA } from '@keepwell/sdk/consent/policy'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import type { Args, Command } from '#command'
import { type Home, withHome } from '#home'
import type { Io } from '#io'
import { withOwnLedger } from '#own-ledger'
import { count, result, safe, when } from '#show'
import { level, purpose, purposeWord, seconds } from '#words'

type Run = (io: Io, args: Args) => Promise<void>

export const policy: Command = {
  name: 'policy',
  group: 'trust',
  takes: '[show|check|explain|announce|enact|cancel] [FILE]',
  summary: 'See which policies are in force; check a text; announce policies where this home runs the ledger.',
  about:
    'Policies are Cedar texts that only forbid (docs/policies.md): which roles see sensitive parts, what may leave in bulk, for how long new consents may be. They\n' +
    'never reach the owner, an emergency or a consent that lives, and check shows the request by which a text would. Whoever runs the ledger announces; after the time\n' +
    'lock anybody may enact, and running gateways follow within seconds.',
  examples: [
    'keepwell policy check hospital.cedar',
    'keepwell policy announce hospital.cedar --name 2026-03',
    'keepwell policy enact',
    'keepwell policy explain --role nurse --part genomics --purpose treatment',
  ],
  options: {
    name: { type: 'string', value: 'VERSION', about: 'Of announce: what people call this version; default: the file’s name.' },
    none: { type: 'boolean', about: 'Of announce: no policies, consents and roles alone.' },
    role: { type: 'string', value: 'ROLE', about: 'Of explain: who reads, writes or exports. Without it: what a vault may consent to.' },
    part: { type: 'string', value: 'NAME', about: 'Of explain: which part of a record.' },
    purpose: { type: 'string', value: 'WHY', about: 'Of explain: treatment, research …' },
    action: { type: 'string', value: 'WHAT', about: 'Of explain with --role: read (default), write or export.' },
    level: { type: 'string', value: 'LEVEL', about: 'Of explain without --role: read (default), write or admin.' },
    for: { type: 'string', value: 'TIME', about: 'Of explain without --role: how long the consent lasts; default 90d.' },
  },
  run(io, args) {
    const [what = 'show', ...rest] = args.positionals
    const runs: Readonly<Record<string, Run>> = { show, check, explain, announce, enact, cancel }
    ensure(
      Object.hasOwn(runs, what) && rest.length === (what === 'check' || (what === 'announce' && !args.flag('none')) ? 1 : 0),
      'USAGE',
      'Say: keepwell policy show, check FILE, explain, announce FILE, enact or cancel.',
    )
    return runs[what]!(io, args)
  },
}

const engineHere = async () => (await import('@keepwell/adapters/cedar/node')).openCedar()

async function bundleIn(args: Args): Promise<Uint8Array> {
  const file = args.positionals[1]!
  const source = await readFile(file, 'utf8').catch(cause => {
    throw new KeepwellError('USAGE', 'The file cannot be read.', { cause })
  })
  const name = args.text('name') ?? file.replace(/^.*[\\/]/, '').replace(/\.cedar$/, '')
  return encodePolicies({ v: 1, name: name.slice(0, 80), schema: SCHEMA, policies: (await engineHere()).split(source) })
}

const lines = (p: PolicyInForce): string[] => p.ids.map(id => `  ${id}: ${safe(p.say(id))}`)

const check: Run = async (io, args) => {
  const read = await readPolicies(await engineHere(), await bundleIn(args))
  result(io, args, { name: read.name, cid: read.cid, policies: read.ids }, () => [
    `${safe(read.name)}: ${count(read.ids.length, 'policy', 'policies')}, and nothing of the floor is touched.`,
    ...lines(read),
    read.cid,
  ])
}

const operating = (io: Io, args: Args, work: (ledger: Ledger, home: Home) => Promise<void>): Promise<void> =>
  withHome(io, args, home => withOwnLedger(io, home, ledger => work(ledger, home)))

const NONE = new Uint8Array(32)

const announce: Run = (io, args) =>
  operating(io, args, async (ledger, home) => {
    const { administrator } = await ledger.policies.state()
    ensure(administrator === ledger.account, 'DENIED', 'Another account is the administrator of this ledger’s policies.')
    const bytes = args.flag('none') ? null : await bundleIn(args)
    const read = bytes && (await readPolicies(await engineHere(), bytes))
    const hash = bytes ? await publishPolicies(home.ctx, bytes) : NONE
    await ledger.policies.schedule(hash)
    const ready = (await ledger.policies.state()).pending!.readyAt
    result(io, args, { cid: read?.cid ?? null, readyAt: ready }, () => [
      read ? `Announced: ${safe(read.name)}` : 'Announced: no policies.',
      ...(read ? [...lines(read), read.cid] : []),
      `From ${when(ready)} anybody may put it in force: keepwell policy enact`,
    ])
  })

const enact: Run = (io, args) =>
  operating(io, args, async ledger => {
    const { pending } = await ledger.policies.state()
    if (!pending) throw new KeepwellError('NOT_FOUND', 'Nothing is announced.')
    ensure(io.clock() >= pending.readyAt, 'TOO_EARLY', `Not before ${when(pending.readyAt)}.`)
    await ledger.policies.enact(pending.policy ?? NONE)
    result(io, args, { cid: pending.policy && policyCid(pending.policy) }, () => [
      pending.policy ? `In force: ${policyCid(pending.policy)}` : 'No policies are in force any more.',
    ])
  })

const cancel: Run = (io, args) =>
  operating(io, args, async ledger => {
    const { pending } = await ledger.policies.state()
    if (!pending) throw new KeepwellError('NOT_FOUND', 'Nothing is announced.')
    await ledger.policies.cancel(pending.policy ?? NONE)
    result(io, args, { cancelled: pending.policy && policyCid(pending.policy) }, () => ['What was announced will not come into force.'])
  })

/** A bundle by its hash, looked at as a gateway would; null with the reason where it is not kept. */
async function looked({ ctx }: Home, hash: Uint8Array): Promise<{ readonly read: PolicyInForce | null; readonly why: string }> {
  try {
    return { read: await readPolicies(await engineHere(), await fetchPolicies(ctx, hash)), why: '' }
  } catch (e) {
    if (!(e instanceof KeepwellError)) throw e
    return { read: null, why: e.message }
  }
}

const show: Run = (io, args) =>
  withHome(io, args, async home => {
    const { policy: hash, since, pending, delay } = await (await homeLedger(home.ctx)).policies.state()
    const tell = async (h: Uint8Array) => ({ cid: policyCid(h), ...(await looked(home, h)) })
    const now = hash && (await tell(hash))
    const next = pending && { readyAt: pending.readyAt, of: pending.policy && (await tell(pending.policy)) }
    const words = (t: NonNullable<typeof now>): string[] =>
      t.read ? [`${safe(t.read.name)}  ${t.cid}`, ...lines(t.read)] : [t.cid, `  is not kept: ${safe(t.why)}`]
    const plain = (t: typeof now) => t && { cid: t.cid, name: t.read?.name ?? null, policies: t.read?.ids ?? null, refused: t.why || null }
    const value = {
      inForce: plain(now),
      since,
      pending: next && { readyAt: next.readyAt, ...(next.of ? plain(next.of) : { cid: null }) },
      delay,
    }
    result(io, args, value, () => [
      ...(now ? [`In force since ${when(since)}:`, ...words(now)] : ['No policies are in force: consents and roles alone decide.']),
      ...(next ? [`Announced, from ${when(next.readyAt)}:`, ...(next.of ? words(next.of) : ['no policies'])] : []),
    ])
  })

const explain: Run = (io, args) =>
  withHome(io, args, async home => {
    const request = requestIn(args)
    const { policy: hash } = await (await homeLedger(home.ctx)).policies.state()
    const { read, why } = hash ? await looked(home, hash) : { read: null, why: '' }
    const forbids = read?.judge(request).forbids ?? []
    const said = forbids.map(id => ({ id, text: read!.say(id) }))
    result(io, args, { policy: hash && toHex(hash), forbids: said }, () => [
      ...(why ? [`What the ledger names is not kept: ${safe(why)}`] : []),
      ...(said.length
        ? said.map(s => `Forbidden by ${s.id}: ${safe(s.text)}`)
        : [
            `No policy forbids it: ${request.action} of ${request.part} for ${purposeWord(request.purpose)}. The consent and the role decide.`,
          ]),
    ])
  })

function oneOf<T extends string>(all: readonly T[], given: string, option: string): T {
  const found = all.find(x => x === given)
  ensure(found, 'USAGE', `--${option} is one of ${all.join(', ')}.`)
  return found
}

const DAY = 86_400

function requestIn(args: Args): PolicyRequest {
  const part = oneOf(PARTS, args.need('part'), 'part')
  const why = purpose(args.need('purpose'))
  const role = args.text('role')
  if (role !== undefined) {
    const action = oneOf(['read', 'write', 'export'], args.text('action') ?? 'read', 'action')
    return { by: { role: oneOf(ACTORS, role, 'role') }, action, part, purpose: why }
  }
  const days = Math.ceil(seconds(args.text('for') ?? '90d') / DAY)
  return {
    by: { vault: 'owner' },
    action: 'grant',
    part,
    purpose: why,
    consent: { level: level(args.text('level') ?? 'read'), days, standing: false },
  }
}
