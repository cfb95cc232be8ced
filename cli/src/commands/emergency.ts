import { openCustodians } from '@keepwell/adapters/custodian/http'
import { drillCustodians, openingOf, preauthorise, reviewOpening, vetoOpening } from '@keepwell/sdk/actions/emergency/answer'
import { sharedHosts } from '@keepwell/sdk/actions/emergency/apart'
import {
  emergencyOf,
  endEmergency,
  keepEmergencyCurrent,
  notePrinted,
  ownCard,
  replaceEmergency,
  setUpEmergency,
} from '@keepwell/sdk/actions/emergency/set-up'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { fromHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { type EmergencyContact, type Opening, preauthorisationText } from '@keepwell/sdk/identity/emergency'
import encodeQR from 'qr'
import type { Args, Command } from '#command'
import { quietSync } from '#commands/sync'
import { type Home, withHome } from '#home'
import type { Io } from '#io'
import { partyNamed } from '#names'
import { once, saveStream } from '#save'
import { count, day, result, safe, short, table, when } from '#show'
import { seconds, until } from '#words'

type Run = (io: Io, args: Args, home: Home) => Promise<unknown>

const here: Readonly<Record<string, Run>> = {
  'set-up': setUp,
  replace,
  card,
  custodians,
  drill,
  status,
  current,
  veto,
  review,
  preauthorise: trust,
  end,
}
const asking: readonly string[] = ['request', 'approve', 'open']
const waking: readonly string[] = ['devices', 'wake', 'offer']

export const emergency: Command = {
  name: 'emergency',
  group: 'sharing',
  takes: '[set-up|card|custodians|drill|status|current|replace|end|veto|review|preauthorise|devices|wake|offer] or [request|approve|open]',
  summary: 'Let a stranger help you: your emergency card and its custodians; or, as a professional, open someone’s emergency summary.',
  about:
    'Custodians each hold one share of a key; only some of them together can open your emergency compartment, and each tells you before its share leaves.\n' +
    'Your card holds a short summary that any phone reads without a network, and what a professional needs to ask. See docs/emergency.md.\n' +
    'Devices are woken in an emergency even when the app is closed there, once they were turned on in the app: devices shows yours, wake whose are woken for\n' +
    'you, of those who offered it, and offer to whom you offered it. A name behind wake or offer is chosen; with --off, no more.\n' +
    'As a professional you need a credential that its issuer enrolled for emergencies: credential issue --emergencies.',
  examples: [
    'keepwell emergency set-up --custodian "Clinic West=https://custodian.clinic.example" --custodian "Ben=https://ben.example" --threshold 2 --contact ben@example.org',
    'keepwell emergency card --out card.svg',
    'keepwell emergency drill',
    'keepwell emergency veto 4f2a91',
    'keepwell emergency review 4f2a91 --words "I was brought in; this was right."',
    'keepwell emergency devices --remove 9c40e7',
    'keepwell emergency wake "Ben Example"',
    'keepwell emergency offer "Cleo Example" --off',
    'keepwell emergency request --card card.txt --reason "Found unconscious"',
    'keepwell emergency open 7c01d2 --card card.txt --out summary.json',
  ],
  options: {
    custodian: {
      type: 'string',
      multiple: true,
      value: 'WHO=URL',
      about: 'Of set-up: a verified contact and the address of its custodian; for each one.',
    },
    threshold: {
      type: 'string',
      value: 'K',
      about: 'Of set-up: how many custodians it takes together; default more than half, at least 2.',
    },
    contact: {
      type: 'string',
      multiple: true,
      value: 'ADDRESS',
      about: 'Of set-up: an e-mail address or an https address that is told of every release; NAME=ADDRESS to greet by name.',
    },
    persons: { type: 'string', value: '1|2', about: 'Of set-up: how many professionals it takes; default 1.' },
    delay: { type: 'string', value: 'TIME', about: 'Of set-up: how long a request waits before it opens; default none.' },
    window: { type: 'string', value: 'TIME', about: 'Of set-up: how long it stays open; default and most 24h.' },
    words: {
      type: 'string',
      value: 'TEXT',
      about: 'Of review: what you say of the opening. It stays with you; the ledger holds a salted hash.',
    },
    credential: {
      type: 'string',
      value: 'ID',
      about: 'Of preauthorise: the credential’s number, 64 hex digits, which its holder shows you.',
    },
    until: { type: 'string', value: 'TIME', about: 'Of preauthorise: when it ends; default 1y.' },
    remove: { type: 'string', value: 'ID', about: 'Of devices: this one is woken no more.' },
    off: { type: 'boolean', about: 'Of wake and offer: not this person any more.' },
    card: { type: 'string', value: 'FILE', about: 'Of request and open: what was scanned from the card.' },
    reason: { type: 'string', value: 'TEXT', about: 'Of request: why; the patient reads it.' },
    preauthorised: { type: 'string', value: 'TEXT', about: 'Of request: the patient’s word, keepwell:preauthorisation#…' },
    out: { type: 'string', value: 'FILE', about: 'Of card: .svg for the printed code, else its text. Of open: the summary as FHIR.' },
  },
  async run(io, args) {
    const [what = 'status'] = args.positionals
    if (asking.includes(what)) return (await import('#commands/emergency-ask')).ask(io, args)
    if (waking.includes(what)) return (await import('#commands/emergency-woken')).woken(io, args)
    ensure(Object.hasOwn(here, what), 'USAGE', `Say: keepwell emergency with ${[...Object.keys(here), ...waking, ...asking].join(', ')}.`)
    return withHome(io, args, home => here[what]!(io, args, home))
  },
}

const reaching = ({ ctx }: Home) => ({ ...ctx, custodians: openCustodians() })

function pair(text: string): readonly [string, string] {
  const at = text.lastIndexOf('=', text.search(/https?:\/\//))
  ensure(at > 0, 'USAGE', `--custodian is WHO=URL, and "${safe(text)}" is not.`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function contactOf(text: string): EmergencyContact {
  const [, name, address = text] = /^([^=@]+)=(.+)$/.exec(text) ?? []
  const kind = /^https?:\/\//.test(address) ? 'webhook' : 'email'
  ensure(kind === 'webhook' || /^[^\s@]+@[^\s@]+$/.test(address), 'USAGE', `"${safe(text)}" is no e-mail or https address.`)
  return { name: name ?? address.split('@')[0]!, kind, address }
}

async function setUp(io: Io, args: Args, home: Home): Promise<void> {
  const named = args.list('custodian').map(pair)
  const threshold = Number(args.text('threshold') ?? Math.max(2, Math.floor(named.length / 2) + 1))
  const persons = args.text('persons') ?? '1'
  ensure(persons === '1' || persons === '2', 'USAGE', '--persons is 1 or 2.')
  const length = (name: string) => (args.text(name) ? seconds(args.need(name)) : undefined)
  const [delay, window] = [length('delay'), length('window')]
  const made = await setUpEmergency(reaching(home), {
    custodians: named.map(([who, url]) => ({ did: partyNamed(home.ctx.session.state.ring, who), url })),
    threshold,
    contacts: args.list('contact').map(contactOf),
    persons: persons === '2' ? 2 : 1,
    ...(delay === undefined ? {} : { delay }),
    ...(window === undefined ? {} : { window }),
  })
  for (const [a, b] of sharedHosts(named.map(([, url]) => url)))
    io.note(`${safe(a)} and ${safe(b)} look like one organisation, which would hold two shares. Choose custodians apart.`)
  told(io, args, made, `${threshold} of ${count(named.length, 'custodian')} can open your emergency compartment together.`)
}

async function replace(io: Io, args: Args, home: Home): Promise<void> {
  told(io, args, await replaceEmergency(reaching(home)), 'New keys and a new card; the old card opens nothing more.')
}

async function end(io: Io, args: Args, { ctx }: Home): Promise<void> {
  await endEmergency(ctx)
  result(io, args, { ended: true }, () => ['Ended: the card and the shares open nothing more. Who opened it before keeps what they read.'])
}

function told(io: Io, args: Args, made: Awaited<ReturnType<typeof replaceEmergency>>, line: string): void {
  result(io, args, made, () => [
    line,
    ...(made.unreached.length ? [`Not reached: ${made.unreached.map(safe).join(', ')}. Set up again when they are.`] : []),
    'Print the card: keepwell emergency card --out card.svg. Check the custodians: keepwell emergency drill',
  ])
}

async function card(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const text = ownCard(ctx)
  const out = args.text('out')
  if (out || io.terminal.out) await notePrinted(ctx)
  if (out) await saveStream(out, once(utf8(out.endsWith('.svg') ? encodeQR(text, 'svg', { ecc: 'low' }) : text)))
  result(io, args, { text, ...(out ? { out } : {}) }, () =>
    out ? [`Saved: ${safe(out)}`] : io.terminal.out ? [encodeQR(text, 'term', { ecc: 'low' }), text] : [text],
  )
  if (!args.json)
    io.note(
      'Whoever holds the card reads its words, and can ask your custodians if a register vouches for them. Keep it like an identity card.',
    )
}

async function custodians(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const state = emergencyOf(ctx)
  const value = state.custodians.map(c => ({ name: c.name, did: c.did, url: c.url, drilledAt: c.drilledAt }))
  result(io, args, { version: state.version, threshold: state.commitment.threshold, custodians: value }, () =>
    table(value.map(c => [safe(c.name), safe(c.url), c.drilledAt ? `proved ${day(c.drilledAt)}` : 'not drilled yet'])),
  )
}

const STATES = { holds: 'holds its share', unreachable: 'does not answer', wrong: 'could not prove its share' } as const

async function drill(io: Io, args: Args, home: Home): Promise<number> {
  const { threshold } = emergencyOf(home.ctx).commitment
  const drilled = await drillCustodians(reaching(home))
  const good = drilled.filter(d => d.state === 'holds').length
  result(io, args, { drilled, good, threshold }, () => [
    ...table(drilled.map(d => [safe(d.name), safe(d.url), STATES[d.state]])),
    good < threshold ? `TOO FEW: ${good} of the ${threshold} that are needed. Set up anew.` : `${good} answer, ${threshold} are needed.`,
  ])
  return good < threshold ? 6 : 0
}

async function status(io: Io, args: Args, { ctx }: Home): Promise<void> {
  await quietSync(io, ctx)
  const state = emergencyOf(ctx)
  const ledger = await homeLedger(ctx)
  const openings: (Omit<Opening, 'review'> & { readonly state: string; readonly reviewed: boolean; readonly words?: string })[] = []
  for (const o of ctx.session.state.ring.openings ?? []) {
    const now = await ledger.emergencies.request(o.tag)
    const { review: own, ...rest } = o
    openings.push({ ...rest, state: now?.state ?? 'unknown', reviewed: Boolean(now?.reviewHash), ...(own ? { words: own.text } : {}) })
  }
  const { rules, commitment, custodians: all, contacts, version } = state
  result(io, args, { version, rules, threshold: commitment.threshold, custodians: all.length, contacts, openings }, () => [
    `Card ${version} of ${day(state.at)}: ${commitment.threshold} of ${count(all.length, 'custodian')}, ${count(rules.persons, 'professional')}, window ${rules.window / 3600} h${rules.delay ? `, after ${rules.delay / 60} min` : ''}.`,
    ...openings.map(
      o =>
        `${short(o.tag)}  ${when(o.at)}  ${safe(o.name)} (${safe(o.role)}): ${safe(o.reason)}  ${o.state}${o.reviewed ? ', reviewed' : ', REVIEW OWED'}`,
    ),
    ...(openings.some(o => o.version === version) ? ['Your keys were opened: replace them with keepwell emergency replace.'] : []),
  ])
}

const RENEW = {
  opened: 'Your keys were opened: replace them with keepwell emergency replace.',
  keys: 'Your keys were replaced, and who held the old ones held this one: replace it with keepwell emergency replace.',
  horizon: 'What custodians can open ends soon: renew it with keepwell emergency replace.',
  card: 'The card as it is now was not printed yet: print it with keepwell emergency card.',
} as const

async function current(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const { filed, renew } = await keepEmergencyCurrent(ctx)
  result(io, args, { filed, renew }, () => [
    filed ? 'A new summary was filed.' : 'The summary is current.',
    ...(renew ? [RENEW[renew]] : []),
  ])
}

const tagOf = (args: Args): string => {
  const [, tag] = args.positionals
  ensure(tag, 'USAGE', 'Say which opening, by the first digits of its tag: keepwell emergency status lists them.')
  return tag
}

async function veto(io: Io, args: Args, { ctx }: Home): Promise<void> {
  await quietSync(io, ctx)
  const opening = openingOf(ctx, tagOf(args))
  await vetoOpening(ctx, opening)
  result(io, args, { tag: opening.tag }, () => [
    `${safe(opening.name)} is barred and the window is closed. What was read before cannot be taken back; replace the keys: keepwell emergency replace`,
  ])
}

async function review(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const opening = openingOf(ctx, tagOf(args))
  await reviewOpening(ctx, opening, args.need('words'))
  result(io, args, { tag: opening.tag }, () => ['Reviewed. The ledger holds a salted hash of your words; the words stay here.'])
}

async function trust(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const id = args.need('credential').toLowerCase()
  ensure(/^[0-9a-f]{64}$/.test(id), 'USAGE', '--credential is 64 hex digits.')
  const given = await preauthorise(ctx, { credential: fromHex(id), until: until(args.text('until') ?? '1y', io.clock()) })
  const text = preauthorisationText(given)
  result(io, args, { preauthorisation: text, until: given.until }, () => [text])
  if (!args.json) io.note('Give it to that professional. It ends with the card in force.')
}
