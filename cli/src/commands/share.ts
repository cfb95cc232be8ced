import { closeElsewhere } from '@keepwell/sdk/actions/access/close-elsewhere'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { auditCompartment, publishTrail } from '@keepwell/sdk/actions/access/publish-trail'
import { revoke as endConsent } from '@keepwell/sdk/actions/access/revoke'
import { dropRequests } from '@keepwell/sdk/actions/access/waiting-requests'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { beginsAt, decodeTerms, readTerms, type Terms } from '@keepwell/sdk/consent/terms'
import type { Keyring } from '@keepwell/sdk/identity/keyring'
import type { Args, Command } from '#command'
import { quietSync } from '#commands/sync'
import { confirmed } from '#confirm'
import { withHome } from '#home'
import type { Io } from '#io'
import { consentNamed, entryNamed, nameOf, partyNamed } from '#names'
import { count, day, result, safe, short, when } from '#show'
import { level, purpose, purposeWord, until } from '#words'

export const share: Command = {
  name: 'share',
  group: 'sharing',
  summary: 'Give someone consent to read, or to write, a part of your record.',
  about:
    'The consent ends by itself at the time you say. Reading by compartment covers what is in it now and what comes until then; their keys end with\n' +
    'the week in which the consent ends. With --record only those records are shared. What was read before an end stays read.\n' +
    'For research it begins a day later, at a whole hour: until then it can be taken back before anybody read.',
  examples: [
    'keepwell share --to "Clinic West" --compartment laboratory --compartment medications --purpose treatment --until 90d',
    'keepwell share --to "Clinic West" --record 3f9a --purpose treatment --until 2027-06-30',
    'keepwell share --to "Data Protection Office" --audit --until 90d',
    'keepwell share --to "Clinic West" --level write --compartment laboratory --purpose treatment --until 1y',
  ],
  options: {
    to: { type: 'string', value: 'WHO', about: 'A contact’s name, or a DID.' },
    compartment: { type: 'string', multiple: true, value: 'NAME', about: 'A part of your record; may be given several times.' },
    record: { type: 'string', multiple: true, value: 'ID', about: 'A single record instead; may be given several times.' },
    audit: {
      type: 'boolean',
      about:
        'Who looked, and nothing of the record: for a regulator or a lawyer, who reads it with keepwell audit --of. What is new of it is published when you sync, or by keepwell vault.',
    },
    purpose: {
      type: 'string',
      multiple: true,
      value: 'WHY',
      about: 'What for: treatment, research, coverage, … ; may be given several times.',
    },
    until: { type: 'string', value: 'WHEN', about: 'When it ends: 2027-12-31, or 90d from now.' },
    'while-vouched': {
      type: 'boolean',
      about:
        'It counts only while the credential that they showed you is live: suspended by its issuer, they are refused at the next access.',
    },
    level: { type: 'string', value: 'LEVEL', about: 'read (default), write, or admin (a proxy: may share and revoke for you).' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      await quietSync(io, ctx)
      const { ring } = ctx.session.state
      const named = args.list('record')
      const ways = [args.list('compartment').length > 0, named.length > 0, args.flag('audit')].filter(Boolean).length
      ensure(ways === 1, 'USAGE', 'Say what to share: --compartment NAME, --record ID, or --audit, one of them.')
      if (args.flag('audit')) return shareTrail(io, args, ctx)
      const compartments = args.list('compartment').map(n => compartmentNamed(ring, n).id)
      const records = (await Promise.all(named.map(r => entryNamed(ctx, r)))).map(e => e.id)
      ensure(args.list('purpose').length, 'USAGE', 'Say what for: --purpose treatment')
      const to = partyNamed(ring, args.need('to'))
      const input = {
        to,
        level: level(args.text('level') ?? 'read'),
        purposes: args.list('purpose').map(purpose),
        expiry: until(args.need('until'), ctx.clock()),
        ...(records.length ? { records } : { compartments }),
        whileVouched: args.flag('while-vouched'),
      }
      const waits = input.purposes.filter(p => beginsAt([p], ctx.clock()) > ctx.clock())
      ensure(
        waits.length === 0 || waits.length === input.purposes.length,
        'USAGE',
        `What is for ${waits.map(purposeWord).join(', ')} begins a day later, so that you can sleep on it; share for that by itself, and the rest begins now.`,
      )
      ensure(
        input.level !== 'admin' || (await confirmed(io, args, `${nameOf(ring, to)} could then share and revoke in your name. Go on?`)),
        'CANCELLED',
        'Nothing was shared.',
      )
      const given = await grant(ctx, input)
      await dropRequests(ctx, r => r.did === to && r.request.level === input.level)
      result(
        io,
        args,
        { grant: given.commitment, begins: given.terms.notBefore, expiry: input.expiry, to, bytes: given.messageBytes },
        () => [
          `${nameOf(ring, to)} may ${input.level} ${records.length ? count(records.length, 'record') : args.list('compartment').join(', ')} for ${input.purposes.map(purposeWord).join(', ')} until ${when(input.expiry)}${input.whileVouched ? ', while their credential is live' : ''}.`,
          ...(given.terms.notBefore > ctx.clock()
            ? [`It begins ${when(given.terms.notBefore)}, so that you can sleep on it; taken back before, nobody will have read anything.`]
            : []),
          `Consent ${short(given.commitment)}. To end it earlier: keepwell revoke ${short(given.commitment)}`,
        ],
      )
    }),
}

/** Who looked, published first, so that there is something to read from the first moment. */
async function shareTrail(io: Io, args: Args, ctx: Ctx): Promise<void> {
  ensure((args.text('level') ?? 'read') === 'read', 'USAGE', 'Who looked can only be read.')
  const { ring } = ctx.session.state
  const to = partyNamed(ring, args.need('to'))
  const expiry = until(args.need('until'), ctx.clock())
  const purposes = args.list('purpose').length ? args.list('purpose').map(purpose) : (['PATRQT'] as const)
  const compartment = await auditCompartment(ctx)
  const published = await publishTrail(ctx)
  const whileVouched = args.flag('while-vouched')
  const given = await grant(ctx, { to, level: 'read', purposes, compartments: [compartment], expiry, whileVouched })
  await publishState(ctx)
  result(io, args, { grant: given.commitment, begins: given.terms.notBefore, expiry, to, published }, () => [
    `${nameOf(ring, to)} may read who looked, and nothing else, for ${purposes.map(purposeWord).join(', ')} until ${when(expiry)}${whileVouched ? ', while their credential is live' : ''}.`,
    `Consent ${short(given.commitment)}. To end it earlier: keepwell revoke ${short(given.commitment)}`,
  ])
}

export const shares: Command = {
  name: 'shares',
  group: 'sharing',
  summary: 'Show the consents you gave, and those given to you.',
  options: { all: { type: 'boolean', about: 'Also those that ended.' } },
  run: (io, args) =>
    withHome(
      io,
      args,
      async ({ ctx }) => {
        const { ring } = ctx.session.state
        const now = ctx.clock()
        const given = ring.given.map(g => ({ ...g, terms: readTerms(decodeTerms(g.terms).signed) }))
        const got = receivedGrants(ctx)
        const live = given.filter(g => args.flag('all') || (g.state === 'live' && g.terms.expiry > now))
        const lent = got.filter(g => args.flag('all') || g.terms.expiry > now)
        const value = {
          given: live.map(g => ({
            grant: g.commitment,
            to: g.grantee,
            name: g.name,
            state: stateOf(g.state, g.terms, now),
            ...summary(ring, g.terms),
          })),
          received: lent.map(g => ({
            grant: g.grant.commitment,
            from: g.terms.patient,
            name: g.grant.name,
            ...summary(null, g.terms, g.package.compartments),
          })),
        }
        result(io, args, value, () => [
          ...(live.length ? ['Given:'] : ['You gave no consent that is still in force.']),
          ...live.map(
            g =>
              `  ${short(g.commitment)}  ${safe(g.name)}: ${termsLine(summary(ring, g.terms))}${g.state === 'live' && g.terms.expiry > now ? '' : ' — ended'}`,
          ),
          ...(lent.length ? ['Given to you:'] : []),
          ...lent.map(
            g => `  ${short(g.grant.commitment)}  ${safe(g.grant.name)}: ${termsLine(summary(null, g.terms, g.package.compartments))}`,
          ),
        ])
      },
      { offline: true },
    ),
}

const stateOf = (state: string, t: Terms, now: number): string => (state === 'live' && t.expiry <= now ? 'expired' : state)

type Summary = { level: string; compartments: string[]; records: string[]; purposes: string[]; expiry: number; credential?: Uint8Array }

function summary(ring: Keyring | null, t: Terms, names: readonly { id: Uint8Array; name: string }[] = ring?.compartments ?? []): Summary {
  return {
    level: t.level,
    compartments: t.compartments.map(id => names.find(n => equal(n.id, id))?.name ?? toHex(id)),
    records: t.records.map(toHex),
    purposes: t.purposes.map(purposeWord),
    expiry: t.expiry,
    ...(t.credential ? { credential: t.credential } : {}),
  }
}

const termsLine = (s: Summary): string =>
  `${s.level} ${s.records.length ? count(s.records.length, 'record') : s.compartments.map(safe).join(', ')} for ${s.purposes.join(', ')} until ${day(s.expiry)}${s.credential ? ', while their credential is live' : ''}`

export const revoke: Command = {
  name: 'revoke',
  group: 'sharing',
  takes: 'CONSENT',
  summary: 'End a consent now.',
  about:
    'The relay refuses at once, the ledger follows, and the parts concerned get new keys. What was read before stays read. With --via the end goes to the\n' +
    'ledger through another relay of it first, should yours not bring it there; that relay learns which entry is yours.',
  examples: ['keepwell revoke 51c0', 'keepwell revoke 51c0 --via https://relay.example'],
  options: { via: { type: 'string', value: 'URL', about: 'Another relay of the same ledger.' } },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const { ring } = ctx.session.state
      const one = consentNamed(ring, args.one('CONSENT'))
      const via = args.text('via')
      if (via) {
        await closeElsewhere(ctx, one, via)
        io.note('The ledger shows the consent as ended.')
      }
      const done = await endConsent(ctx, one.commitment)
      result(io, args, { grant: one.commitment, ...done }, () => [
        `The consent of ${safe(one.name)} is ended.${done.compartments ? ` ${count(done.compartments, 'compartment')} got new keys${done.rekeyed ? `, sent to the ${done.rekeyed} who may still read` : ''}.` : ''}`,
        ...done.unreached.map(n => `Not reached: ${safe(n)}; they learn it when their relay answers again.`),
      ])
    }),
}
