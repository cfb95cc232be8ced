import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { openSqliteCatalog } from '@keepwell/adapters/catalog/sqlite'
import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { urlOf } from '@keepwell/daemon/bin/relay'
import { settleGuardians } from '@keepwell/sdk/actions/guardians/guardians'
import { cancelRecovery } from '@keepwell/sdk/actions/guardians/ledger'
import {
  beginPlea,
  type Gathered,
  gatherHelp,
  type OpenPlea,
  PLEA_PREFIX,
  pleaCode,
  pleaText,
  readPlea,
} from '@keepwell/sdk/actions/guardians/plead'
import { beginRound, finishRecovery, type Recovered } from '@keepwell/sdk/actions/guardians/recover'
import { helpRecover } from '@keepwell/sdk/actions/guardians/vote'
import { encode } from '@keepwell/sdk/base/cbor'
import { ensure } from '@keepwell/sdk/base/error'
import { decodeAs } from '@keepwell/sdk/base/shape'
import { kemKeyPair } from '@keepwell/sdk/crypto/kem'
import { parseDid } from '@keepwell/sdk/identity/did'
import { recipientId } from '@keepwell/sdk/identity/sealed-keyring'
import { type Plea, plea } from '@keepwell/sdk/wire/guardians'
import type { Args, Command } from '#command'
import { adopt } from '#commands/backup'
import { named } from '#commands/guardians'
import { quietSync, roundLines } from '#commands/sync'
import { confirmed } from '#confirm'
import { inHome, placeOf, type Reach, reachRelay, withHome } from '#home'
import type { Io } from '#io'
import { isBare, makePrivate, passphrase, readDevice, writeDevice } from '#keys'
import { result, safe, when } from '#show'

type Run = (io: Io, args: Args) => Promise<void>

export const recover: Command = {
  name: 'recover',
  group: 'home',
  takes: 'begin|status|finish|vote LINK|cancel',
  summary: 'Come back in with the help of your guardians; help somebody back in.',
  about:
    'Lost everything? On a new machine: recover begin. Show your guardians the link and the digits, best face to face. When enough of them have voted,\n' +
    'recover finish starts the time lock; after it, recover finish again brings your record back, under new words and keys. A guardian compares the\n' +
    'digits and says: recover vote LINK --for WHO. If somebody else does this with your record, stop it from any device you have: recover cancel.',
  examples: [
    'keepwell recover begin --relay https://relay.example',
    'keepwell recover vote LINK --for "Ada Example" --digits "1234 5678 9012"',
    'keepwell recover finish --words-file words.txt',
  ],
  options: {
    device: { type: 'string', value: 'NAME', about: 'Of begin: what to call this machine; default: its host name.' },
    'no-passphrase': { type: 'boolean', about: 'Of begin: protect the keys of this machine by file permissions alone.' },
    for: { type: 'string', value: 'WHO', about: 'Of vote: whom you help.' },
    digits: {
      type: 'string',
      value: 'DIGITS',
      about: 'Of vote: the digits on their screen; where nobody can be asked, they are required.',
    },
    'words-file': { type: 'string', value: 'FILE', about: 'Of finish: write the new recovery words there; otherwise they are shown once.' },
  },
  async run(io, args) {
    const [what = ''] = args.positionals
    const runs: Readonly<Record<string, Run>> = { begin, status, finish, vote, cancel }
    ensure(Object.hasOwn(runs, what), 'USAGE', 'Say: keepwell recover begin, status, finish, vote or cancel.')
    await runs[what]!(io, args)
  },
}

const filesOf = (dir: string) => ({ plea: join(dir, 'plea.cbor'), seed: join(dir, 'plea-seed.cbor') })

/** The relay that keeps the lost record: another’s, or this home’s own. */
function reachFor(io: Io, args: Args, relay?: string): Reach & { readonly url: string } {
  const { dir, config } = placeOf(io, args)
  const given = relay ?? args.text('relay')
  const own = existsSync(inHome(dir).relay) ? urlOf(config) : undefined
  const url = given ?? own
  ensure(url, 'USAGE', 'Say which relay keeps your record: --relay URL')
  return { ...reachRelay(io, { dir, config, url, relay: undefined, embedded: url === own }), url }
}

const begin: Run = async (io, args) => {
  const { dir } = placeOf(io, args)
  ensure(!existsSync(inHome(dir).device), 'HOME_EXISTS', `There is a Keepwell home at ${dir} already; begin in an empty one.`)
  ensure(!existsSync(filesOf(dir).plea), 'HOME_EXISTS', 'You have begun already. See: keepwell recover status')
  const phrase = args.flag('no-passphrase') ? null : await passphrase(io, args, { fresh: true })
  const reach = reachFor(io, args)
  try {
    const name = args.text('device') ?? hostname().slice(0, 80)
    const open = await beginPlea({ clock: io.clock, random: io.random, network: reach.network }, { relay: reach.url, name })
    makePrivate(dir)
    const { public: publicKey } = await kemKeyPair(open.seed)
    const kept = { id: recipientId(publicKey), vault: open.plea.did, name, secret: open.seed, public: publicKey }
    await writeDevice(io, filesOf(dir).seed, kept, phrase)
    await writeDurable(filesOf(dir).plea, encode(open.plea))
    const digits = await pleaCode(open.plea)
    result(io, args, { link: pleaText(open.plea), digits, expiry: open.plea.expiry }, () => pleaLines(open.plea, digits))
  } finally {
    await reach.close()
  }
}

const pleaLines = (p: Plea, digits: string): string[] => [
  pleaText(p),
  `Send this to your guardians. Let each of them see or hear you, and compare these digits: ${digits}`,
  `It counts until ${when(p.expiry)}. Then: keepwell recover status`,
]

type Pleading = {
  readonly dir: string
  readonly open: OpenPlea
  readonly phrase: string | null
  readonly ctx: Parameters<typeof gatherHelp>[0]
}

async function pleading<T>(io: Io, args: Args, work: (at: Pleading) => Promise<T>): Promise<T> {
  const { dir } = placeOf(io, args)
  const at = filesOf(dir)
  const [kept, sealed] = [await readIfThere(at.plea), await readIfThere(at.seed)]
  ensure(kept && sealed, 'NOT_FOUND', 'Nothing was begun here. See: keepwell help recover')
  const phrase = isBare(sealed) ? null : await passphrase(io, args)
  const seed = await readDevice(io, args, at.seed)
  const open = { seed: seed!.secret, plea: decodeAs(plea, kept) }
  const reach = reachFor(io, args, open.plea.relay)
  try {
    return await work({ dir, open, phrase, ctx: { clock: io.clock, random: io.random, network: reach.network } })
  } finally {
    await reach.close()
  }
}

const status: Run = async (io, args) => {
  const { dir } = placeOf(io, args)
  if (existsSync(inHome(dir).device)) return ownStatus(io, args)
  await pleading(io, args, async ({ open, ctx }) => {
    const found = await gatherHelp(ctx, open)
    const digits = await pleaCode(open.plea)
    result(io, args, { digits, link: pleaText(open.plea), ...progressOf(found, open) }, () => [
      ...progressLines(found, open),
      ...(mine(found, open) ? [] : pleaLines(open.plea, digits)),
    ])
  })
}

const ownStatus: Run = (io, args) =>
  withHome(io, args, async ({ ctx }) => {
    const { round } = await settleGuardians(ctx)
    result(io, args, { round }, () => (round?.state === 'running' ? roundLines(round) : ['No recovery of this record is under way.']))
  })

/** The round that runs for this machine. */
function mine(found: Gathered | null, open: OpenPlea) {
  const round = found?.state.round
  return round && round.newOwner === parseDid(open.plea.did).address ? round : null
}

const progressOf = (found: Gathered | null, open: OpenPlea) => ({
  votes: found?.votes.length ?? 0,
  needed: found?.needed ?? null,
  tampered: found?.tampered ?? [],
  round: mine(found, open),
})

function progressLines(found: Gathered | null, open: OpenPlea): string[] {
  const { votes, needed, tampered, round } = progressOf(found, open)
  const altered = tampered.map(n => `Guardian ${n} sent a share that is not the one they were given. Ask another.`)
  if (round?.state === 'running')
    return [
      ...altered,
      `The time lock runs until ${when(round.readyAt)}${round.final ? '; nobody can stop it' : ''}. Then: keepwell recover finish`,
    ]
  if (round?.state === 'cancelled')
    altered.push('The last round was cancelled by whoever has the record’s keys. One guardian more makes it final.')
  return [
    ...altered,
    needed === null
      ? 'No guardian has answered yet.'
      : `${votes} of ${needed} guardians have voted.${votes >= needed ? ' Start the time lock: keepwell recover finish' : ''}`,
  ]
}

const finish: Run = (io, args) =>
  pleading(io, args, async ({ dir, open, phrase, ctx }) => {
    const round = await beginUnlessDone(ctx, open)
    if (round && round.readyAt > io.clock()) {
      result(io, args, { round }, () => [`The time lock runs until ${when(round.readyAt)}. Come back then: keepwell recover finish`])
      return
    }
    const catalog = await openSqliteCatalog({ file: inHome(dir).catalog })
    const file = args.text('words-file')
    const keep = async ({ session, words }: Recovered): Promise<void> => {
      if (file) await writeDurable(file, new TextEncoder().encode(`${words}\n`))
      await adopt(io, dir, session, phrase)
    }
    const progress = (n: number, total: number | null): void => io.progress(`${n} of ${total} records under new keys …`)
    const done = await finishRecovery({ ...ctx, catalog }, open, { progress, keep }).finally(() => catalog.close())
    for (const gone of Object.values(filesOf(dir))) await rm(gone, { force: true })
    result(io, args, { did: done.session.device.vault, ...(file ? { words: file } : { recoveryWords: done.words }) }, () => [
      'Your record is back, under new keys; your old machines and words open nothing any more.',
      ...(file
        ? [`The new recovery words are in ${file}.`]
        : ['Write down your new recovery words; they are shown this once:', done.words]),
      'Now: keepwell sync, and put your guardians in charge anew, for their shares were in the old keyring: keepwell guardians set --take …',
    ])
  })

/** Starts the round if none of ours has begun; null when ours is finished already. */
async function beginUnlessDone(ctx: Pleading['ctx'], open: OpenPlea) {
  const round = mine(await gatherHelp(ctx, open), open)
  return round?.state === 'finished' ? null : beginRound(ctx, open)
}

const bare = (digits: string): string => digits.replace(/\D/g, '')

/** The digits are the only thing that tells the person from somebody else, so `--yes` alone does not pass them over. */
const vote: Run = (io, args) =>
  withHome(io, args, async ({ ctx }) => {
    const [, link] = args.positionals
    ensure(link, 'USAGE', 'The link that they show is missing.')
    await quietSync(io, ctx)
    const asked = readPlea(link.trim().replace(/^.*[#/]/s, PLEA_PREFIX))
    const people = (ctx.session.state.ring.guarding ?? []).map(g => ({ did: g.vault, name: g.name }))
    const vault = named(people, args.need('for'))
    const code = await pleaCode(asked)
    const given = args.text('digits')
    if (given) ensure(bare(given) === bare(code), 'UNVERIFIED', 'These are not the digits of that link; somebody may be pretending.')
    else {
      ensure(io.terminal.ask, 'USAGE', 'Give the digits that they show: --digits "…"')
      const said = await io.ask(`Did you see or speak to them, and do they show ${code}? Whoever does gets the whole record. [y/N] `)
      ensure(/^(y|yes)$/i.test(said), 'CANCELLED', 'Nothing was sent.')
    }
    await helpRecover(ctx, asked, vault)
    const name = people.find(p => p.did === vault)!.name
    result(io, args, { vault }, () => [`${safe(name)} has your vote and your share.`])
  })

const cancel: Run = (io, args) =>
  withHome(io, args, async ({ ctx }) => {
    ensure(await confirmed(io, args, 'Stop the recovery? You can do this once.'), 'CANCELLED', 'Nothing was changed.')
    await cancelRecovery(ctx)
    result(io, args, { cancelled: true }, () => [
      'The recovery was stopped. If it was not you who began it, speak to your guardians, and choose others: one more of them could begin it for good.',
    ])
  })
