import { type CredentialState, checkCredential } from '@keepwell/sdk/actions/access/check-credential'
import { issueCredential } from '@keepwell/sdk/actions/access/issue-credential'
import { keepCredential, ownCredentials } from '@keepwell/sdk/actions/access/own-credentials'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { contactRelays, findParty, homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { type Credential, credentialText, readCredential } from '@keepwell/sdk/identity/credential'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Args, Command } from '#command'
import { type Home, withHome } from '#home'
import type { Io } from '#io'
import { partyNamed } from '#names'
import { vouchingAccount, withOwnLedger, withVouchingLedger } from '#own-ledger'
import { day, result, safe, short, table } from '#show'
import { until } from '#words'

type Run = (io: Io, args: Args, home: Home) => Promise<void>

export const credential: Command = {
  name: 'credential',
  group: 'trust',
  takes: '[issue|add|suspend|reinstate|revoke|accredit|stop] [CREDENTIAL|ADDRESS]',
  summary: 'Show who vouches for this identity; keep a credential; vouch for others where this home is an issuer.',
  about:
    'A professional or an organisation is shown to patients as verified when an accredited issuer of their own ledger vouches for it. The ledger holds a salted\n' +
    'commitment; the credential itself goes to its holder alone, who shows it with each request. A home with a ledger of its own is its first issuer; any\n' +
    'other has an account for vouching alone, which this command shows and which no entry ties to it. Whoever administers the ledger’s registry says with accredit and\n' +
    'stop which accounts may issue; of a stopped issuer nothing counts until it is accredited again. All of it also while `keepwell start` runs.',
  examples: [
    'keepwell credential issue --to "Clinic West" --name "Clinic West, Leeds" --role HOSPITAL --until 1y',
    'keepwell credential add keepwell:credential#…',
    'keepwell credential suspend keepwell:credential#…',
    'keepwell credential accredit 0x5b38…',
    'keepwell credential',
  ],
  options: {
    to: { type: 'string', value: 'WHO', about: 'Of issue: whom it is for, a contact’s name or a DID.' },
    name: { type: 'string', value: 'NAME', about: 'Of issue: the name the issuer vouches for.' },
    role: { type: 'string', value: 'ROLE', about: 'Of issue: at most 8 letters of the issuer’s table: HOSPITAL, MD, NURSE, LAB …' },
    emergencies: {
      type: 'boolean',
      about: 'Of issue: the holder may ask for emergency access with it; the ledger then names the key they sign with.',
    },
    until: { type: 'string', value: 'TIME', about: 'Of issue: when it ends; 2027-12-31, or 1y. Default 1y.' },
  },
  run: (io, args) =>
    withHome(io, args, async home => {
      const [what = 'list'] = args.positionals
      const runs: Readonly<Record<string, Run>> = {
        list: show,
        issue,
        add,
        suspend: change('suspended'),
        reinstate: change('live'),
        revoke: change('revoked'),
        accredit: issuer('accredited'),
        stop: issuer('suspended'),
      }
      ensure(
        Object.hasOwn(runs, what),
        'USAGE',
        'Say: keepwell credential, or keepwell credential issue, add, suspend, reinstate, revoke, accredit or stop.',
      )
      await runs[what]!(io, args, home)
    }),
}

export const STATES: Readonly<Record<CredentialState, string>> = {
  live: 'an accredited issuer vouches for it',
  ended: 'it has ended or is suspended',
  elsewhere: 'it stands on another ledger',
  false: 'the ledger knows nothing of it',
}

const show: Run = async (io, args, home) => {
  const { ctx, embedded } = home
  const own = ownCredentials(ctx)
  const states = await Promise.all(own.map(c => checkCredential(ctx, c, ctx.session.state.ring.did)))
  const value = own.map((c, i) => ({ id: c.id, name: c.name, role: c.role, issuer: c.issuer, expiry: c.expiry, state: states[i]! }))
  const account = embedded ? null : vouchingAccount(home)
  const vouches = account && { account, state: await (await homeLedger(ctx)).credentials.issuer(account) }
  result(io, args, { credentials: value, vouches }, () => [
    ...(own.length
      ? table(value.map(c => [short(c.id), c.role, safe(c.name), `until ${day(c.expiry)}`, STATES[c.state]]))
      : ['Nobody vouches for this identity yet; ask an issuer for a credential, and keep it: keepwell credential add CREDENTIAL']),
    ...(vouches
      ? [
          vouches.state === 'accredited'
            ? `It may vouch for others, as ${vouches.account}.`
            : `To vouch for others, have the ledger’s administrator accredit ${vouches.account}.`,
        ]
      : []),
  ])
}

const given = (args: Args): Credential => {
  const [, text] = args.positionals
  ensure(text !== undefined && args.positionals.length === 2, 'USAGE', 'Give the credential: keepwell:credential#…')
  return readCredential(text)
}

const add: Run = async (io, args, { ctx }) => {
  const c = given(args)
  await keepCredential(ctx, c)
  result(io, args, { id: c.id }, () => [
    `Kept: ${safe(c.name)}, ${c.role}, until ${day(c.expiry)}. It is shown with each request for access.`,
  ])
}

/** The key that the holder signs requests with, as its key bundle names it now. */
async function requestKey(ctx: Ctx, holder: Did): Promise<string> {
  const party = await findParty(ctx, holder, contactRelays(ctx, holder))
  if (!party) throw new KeepwellError('UNKNOWN_PARTY', 'No relay shows the key bundle of that holder.')
  return party.request
}

const issue: Run = async (io, args, home) => {
  const { ctx } = home
  const holder = partyNamed(ctx.session.state.ring, args.need('to'))
  const expiry = until(args.text('until') ?? '1y', io.clock())
  const name = args.need('name')
  const role = args.need('role')
  const made = await withVouchingLedger(io, home, async ledger => {
    const responds = args.flag('emergencies') ? { responder: await requestKey(ctx, holder) } : {}
    return issueCredential({ ...ctx, ledger }, { holder, name, role, expiry, ...responds })
  })
  result(io, args, { credential: credentialText(made), id: made.id }, () => [credentialText(made)])
  io.note('Give it to its holder alone, who types: keepwell credential add CREDENTIAL. Keep a copy: with it you suspend or revoke it.')
}

const change =
  (state: 'suspended' | 'live' | 'revoked'): Run =>
  async (io, args, home) => {
    const [, text = ''] = args.positionals
    const id = /^[0-9a-f]{64}$/.test(text) ? fromHex(text) : given(args).id
    await withVouchingLedger(io, home, ({ credentials }) => credentials.setState(id, state))
    result(io, args, { id, state }, () => [`${short(toHex(id))} is ${state === 'live' ? 'in force again' : state}.`])
  }

/** By the account that administers the registry; the ledger refuses everybody else. */
const issuer =
  (state: 'accredited' | 'suspended'): Run =>
  async (io, args, home) => {
    const [, address = ''] = args.positionals
    ensure(
      /^0x[0-9a-fA-F]{40}$/.test(address) && args.positionals.length === 2,
      'USAGE',
      'Give the account of the issuer: 0x and 40 digits.',
    )
    await withOwnLedger(io, home, ({ credentials }) => credentials.setIssuer(address.toLowerCase(), state))
    result(io, args, { issuer: address.toLowerCase(), state }, () => [
      state === 'accredited'
        ? `${address} may vouch for others on this ledger.`
        : `${address} vouches for nobody any more until it is accredited again.`,
    ])
  }
