import { existsSync } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { initRelayHome } from '@keepwell/daemon/bin/home'
import { urlOf } from '@keepwell/daemon/bin/relay'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import { tellEnds } from '@keepwell/sdk/actions/access/revoke'
import type { Session } from '@keepwell/sdk/actions/context'
import { checkTombstones } from '@keepwell/sdk/actions/records/check-tombstones'
import { liveEntries } from '@keepwell/sdk/actions/records/live-entries'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { backup as writeBackup } from '@keepwell/sdk/actions/vault/backup'
import { checkBackup } from '@keepwell/sdk/actions/vault/check-backup'
import { DEFAULT_GENERATIONS } from '@keepwell/sdk/actions/vault/generations'
import { backupState, expectedNow, keepBackups } from '@keepwell/sdk/actions/vault/keep-backups'
import { type RestoredBackup, restoreBackup } from '@keepwell/sdk/actions/vault/restore-backup'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { noteBackup, noteDrill, noteTest, safekeepingOf } from '@keepwell/sdk/actions/vault/safekeeping'
import { equal } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { recoveryOf, rootFromWords } from '@keepwell/sdk/identity/root'
import type { Args, Command } from '#command'
import { drill, drillLines } from '#drill'
import { composeHome, type Home, inHome, placeOf, reachRelay, saveState, withHome } from '#home'
import type { Io } from '#io'
import { makePrivate, passphrase, readText, writeDevice } from '#keys'
import { saveStream } from '#save'
import { fileChunks, folderShelf } from '#shelf'
import { bytesOf, count, result, safe, when } from '#show'

export const backup: Command = {
  name: 'backup',
  group: 'home',
  takes: '[drill FILE | status]',
  summary: 'Write everything into one sealed file, and read it back to be sure.',
  about:
    'The file holds your keys, consents and contacts, and every record with its keys; all of it is sealed to your recovery words and to your\n' +
    'machines. Nothing in it can be read without them. Each record is opened to its last byte and compared with what is here.\n' +
    'With --folder, backups are kept in generations (the newest of 7 days, 4 weeks and 12 months), and what you erase is taken out of those made\n' +
    'before. Copies that you carry elsewhere are yours to destroy; restoring one does not bring back what a newer backup or your relay knows as erased.\n' +
    'backup drill FILE restores a backup into an empty home in a temporary folder, opens everything, says how long it took, and wipes it.\n' +
    'backup status says what each of your devices, the always-on agent among them, last made, read back, rehearsed and copied.',
  examples: [
    'keepwell backup --out keepwell-2026-11-21.backup',
    'keepwell backup --folder /mnt/disk/keepwell',
    'keepwell backup drill keepwell-2026-11-21.backup --words-file words.txt',
  ],
  options: {
    out: { type: 'string', value: 'FILE', about: 'The new file.' },
    folder: { type: 'string', value: 'FOLDER', about: 'Keep generations here.' },
    check: { type: 'string', value: 'FILE', about: 'Only read this backup back and check it.' },
    'words-file': {
      type: 'string',
      value: 'FILE',
      about: 'With drill: open the backup with the recovery words, not with the key of this machine.',
    },
  },
  run: (io, args) =>
    withHome(io, args, async home => {
      const [verb, file] = args.positionals
      if (verb === 'status' && file === undefined) return status(io, args, home)
      if (verb !== undefined) {
        ensure(verb === 'drill' && file && existsSync(file), 'USAGE', 'There is: keepwell backup drill FILE, and keepwell backup status')
        return runDrill(io, args, home, file)
      }
      if (args.text('folder')) return intoFolder(io, args, home)
      return intoFile(io, args, home)
    }),
}

async function intoFile(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const check = args.text('check')
  const out = check ?? args.need('out')
  if (!check) {
    await receiveRecords(ctx)
    await saveStream(
      out,
      writeBackup(ctx, (done, total) => io.progress(`${done} of ${total} records …`)),
    )
  }
  io.progress('Reading it back …')
  const found = await checkBackup(fileChunks(out), ctx.session.device, check ? undefined : await expectedNow(ctx))
  ensure(found.vault === ctx.session.state.ring.did, 'WRONG_SUBJECT', 'That backup is of another record.')
  if (check) await noteTest(ctx, { place: resolve(out), of: found.at, records: found.records }).catch(relayGone)
  else await noteBackup(ctx, { place: resolve(out), records: found.records, size: (await stat(out)).size })
  result(io, args, { file: out, ...found }, () => [
    `${out}: ${count(found.records, 'record')}, ${bytesOf(found.bytes)} of sealed content, each opened to its last byte${check ? '' : ' and compared with what is here'}.`,
    'It opens with your recovery words, or on one of your machines: keepwell restore FILE',
  ])
}

/** A file is as good where the relay is gone; what cannot be told to the other devices is told another time. */
const relayGone = (e: unknown): void => {
  if (!isKeepwellError(e, 'RELAY_UNREACHABLE')) throw e
}

function status(io: Io, args: Args, { ctx }: Home): void {
  const { ring } = ctx.session.state
  const found = safekeepingOf(ring, ctx.clock())
  const { made, tested, drilled, copies } = found
  const by = (note: { at: number; device: Uint8Array; place: string }): string =>
    `${when(note.at)}, by ${safe(ring.devices.find(d => equal(d.id, note.device))?.name ?? 'a device that is gone')}: ${safe(note.place)}`
  result(io, args, found, () => [
    made ? `last backup: ${by(made)}: ${count(made.records, 'record')}, ${bytesOf(made.size)}` : 'There is no backup yet.',
    ...(found.due ? [`     ! It is older than ${count(found.remindDays, 'day')}.`] : []),
    ...(tested ? [`last read back: ${by(tested)}: made ${when(tested.of)}, ${count(tested.records, 'record')}`] : []),
    ...(drilled
      ? [`last rehearsal: ${by(drilled)}: ${count(drilled.records, 'record')}, ${drilled.missing} missing, ${drilled.seconds} s`]
      : []),
    ...copies.flatMap(c => [
      `copies: ${by(c)}: ${c.problem ?? `${c.asked} of ${c.of} blocks asked, ${c.repaired} mended`}`,
      ...(c.lost ? [`     ! ${count(c.lost, 'block')} cannot be had from any place.`] : []),
    ]),
  ])
}

async function intoFolder(io: Io, args: Args, { ctx }: Home): Promise<void> {
  await receiveRecords(ctx)
  const progress = (done: number, total: number | null): void => io.progress(`${done} of ${total} records …`)
  const folder = args.need('folder')
  const done = await keepBackups(ctx, { shelf: folderShelf(folder), keep: DEFAULT_GENERATIONS, progress })
  await noteBackup(ctx, { place: resolve(folder, done.name), records: done.check.records, size: done.size })
  result(io, args, done, () => [
    `${done.name}: ${count(done.check.records, 'record')}, ${bytesOf(done.size)}, each opened to its last byte and compared with what is here.`,
    ...done.resealed.map(name => `${name}: what was erased since is taken out.`),
    ...done.pruned.map(name => `${name}: removed.`),
    ...done.damaged.map(name => `${name}: DAMAGED; it does not read back.`),
  ])
}

async function runDrill(io: Io, args: Args, { ctx }: Home, file: string): Promise<number> {
  const { device, state } = ctx.session
  const words = args.text('words-file')
  const recovery = words
    ? await recoveryOf(rootFromWords(await readText(words, '--words-file')))
    : { secret: device.secret, public: device.public, tag: state.ring.recovery.tag }
  io.progress('Restoring …')
  const done = await drill(io, { file, recovery, erased: await checkTombstones(ctx) })
  await noteDrill(ctx, { place: resolve(file), ...done }).catch(relayGone)
  result(io, args, { file, ...done }, () => drillLines(done))
  return done.kept ? 0 : 5
}

export const restore: Command = {
  name: 'restore',
  group: 'home',
  takes: '[FILE]',
  summary: 'Bring your record back on this machine, from words or from a backup.',
  about:
    'Without a file: from the recovery words and the relay that keeps your record; this machine is added to those you have.\n' +
    'With a backup file: to a relay of its own here (or --relay URL), when the old one is lost. Your DID stays; consents on the old ledger have to\n' +
    'be given anew.',
  examples: ['keepwell restore --words --relay https://relay.example', 'keepwell restore keepwell.backup --words-file words.txt'],
  options: {
    words: { type: 'boolean', about: 'Ask for the recovery words.' },
    'words-file': { type: 'string', value: 'FILE', about: 'Read them from this file.' },
    device: { type: 'string', value: 'NAME', about: 'What to call this machine; default: its host name.' },
    'no-passphrase': { type: 'boolean', about: 'Protect the key of this machine by file permissions alone.' },
  },
  async run(io, args) {
    const { dir } = placeOf(io, args)
    ensure(!existsSync(inHome(dir).device), 'HOME_EXISTS', `There is a Keepwell home at ${dir} already; restore into an empty one.`)
    const words = await wordsFrom(io, args)
    const [file] = args.positionals
    ensure(file === undefined || existsSync(file), 'BAD_INPUT', `There is no backup at ${file}.`)
    const phrase = args.flag('no-passphrase') ? null : await passphrase(io, args, { fresh: true })
    const deviceName = args.text('device') ?? hostname().slice(0, 80)
    makePrivate(dir)
    const done = file ? await fromFile(io, args, { dir, file, words, deviceName }) : await fromWords(io, args, { words, deviceName, dir })
    await adopt(io, dir, done.session, phrase)
    const home = await composeHome(io, { dir, session: done.session, relay: undefined, refresh: true })
    try {
      const received = await receiveRecords(home.ctx, n => io.progress(`${n} records …`))
      const live = await liveEntries(home.ctx)
      if (file) await publishState(home.ctx)
      const unreached = await tellEnds(home.ctx, done.untold)
      result(
        io,
        args,
        { did: done.session.device.vault, records: live.length, problems: received.problems, ended: done.ended, unreached },
        () => [
          `Your record is back: ${count(live.length, 'record')}${received.problems.length ? `, ${received.problems.length} could not be opened` : ''}.`,
          ...(done.ended ? [`${count(done.ended, 'consent')} lived on the old ledger; give them anew with keepwell share.`] : []),
          ...unreached.map(name => `${safe(name)} could not be told that theirs ended; tell them.`),
        ],
      )
      return received.problems.length ? 5 : 0
    } finally {
      await home.close()
    }
  },
}

async function wordsFrom(io: Io, args: Args): Promise<string> {
  const file = args.text('words-file')
  if (file) return readText(file, '--words-file')
  ensure(io.terminal.ask, 'USAGE', 'The recovery words are needed: give --words-file FILE.')
  return io.ask('Recovery words: ')
}

type Restored = Pick<RestoredBackup, 'session' | 'ended' | 'untold'>
type Words = { readonly dir: string; readonly words: string; readonly deviceName: string }

async function fromWords(io: Io, args: Args, { dir, words, deviceName }: Words): Promise<Restored> {
  const { config } = placeOf(io, args)
  const embedded = existsSync(inHome(dir).relay)
  const url = args.text('relay') ?? (embedded ? urlOf(config) : '')
  ensure(url, 'USAGE', 'Say which relay keeps your record: --relay URL')
  const reach = reachRelay(io, { dir, config, url, relay: undefined, embedded: embedded && !args.text('relay') })
  try {
    return {
      session: await restoreVault({ clock: io.clock, random: io.random, network: reach.network }, { words, relay: url, deviceName }),
      ended: 0,
      untold: [],
    }
  } finally {
    await reach.close()
  }
}

async function fromFile(io: Io, args: Args, { dir, words, deviceName, file }: Words & { readonly file: string }): Promise<Restored> {
  const { config } = placeOf(io, args)
  const elsewhere = args.text('relay')
  const at = inHome(dir)
  if (!elsewhere && !existsSync(at.relay)) {
    io.progress('Making a ledger …')
    await initRelayHome({ dir: at.relay, config, secrets: readSecrets(io.env, config), clock: io.clock, random: io.random })
  }
  const url = elsewhere ?? urlOf(config)
  const reach = reachRelay(io, { dir, config, url, relay: undefined, embedded: !elsewhere })
  const recovery = await recoveryOf(rootFromWords(words))
  try {
    return await restoreBackup(
      { clock: io.clock, random: io.random, network: reach.network },
      {
        chunks: fileChunks(file),
        recovery,
        relay: url,
        erased: await erasedBeside(file, recovery),
        deviceName,
        progress: done => io.progress(`${done} records …`),
      },
    )
  } finally {
    await reach.close()
  }
}

/** What other backups in the same folder say was erased; one that these words do not open says nothing. */
async function erasedBeside(file: string, pair: { secret: Uint8Array; public: Uint8Array }): Promise<Uint8Array[]> {
  const shelf = folderShelf(dirname(resolve(file)))
  const mine = await backupState(fileChunks(file), pair)
  const out: Uint8Array[] = []
  for (const name of await shelf.list()) {
    const state = await backupState(shelf.read(name), pair).catch(() => null)
    if (state?.vault === mine.vault) out.push(...state.erased)
  }
  return out
}

/** Makes the session this home's own; the device key comes last, so that a crash leaves no half home. */
export async function adopt(io: Io, dir: string, session: Session, phrase: string | null): Promise<void> {
  const at = inHome(dir)
  for (const file of ['', '-wal', '-shm']) await rm(`${at.catalog}${file}`, { force: true })
  await saveState(dir, session)
  const draft = join(dir, 'device.draft')
  await writeDevice(io, draft, session.device, phrase)
  await rename(draft, at.device)
}
