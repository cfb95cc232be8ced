import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { drillMany } from '@keepwell/sdk/actions/guardians/drilled.kit'
import { askGuardian, setGuardians } from '@keepwell/sdk/actions/guardians/guardians'
import { beginPlea } from '@keepwell/sdk/actions/guardians/plead'
import { beginRound, finishRecovery } from '@keepwell/sdk/actions/guardians/recover'
import { acceptGuarding } from '@keepwell/sdk/actions/guardians/take'
import { helpRecover } from '@keepwell/sdk/actions/guardians/vote'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { backup } from '@keepwell/sdk/actions/vault/backup'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { restoreBackup } from '@keepwell/sdk/actions/vault/restore-backup'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { rotate } from '@keepwell/sdk/actions/vault/rotate'
import { recoveryOf, rootFromWords } from '@keepwell/sdk/identity/root'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption'
import { type BenchHome, benchHome, clock, introduce, random } from './home.kit.ts'
import { median, type Row, report, timed } from './report.kit.ts'

// What the worst day takes. A record comes back with its guardians' help: from the last vote to the first list, the time lock left out, beside
// the same record brought back with its words and given new keys. A backup is restored into an empty home, beside `age -d | tar x` of the same
// bodies, each hashed. And many vaults guarded by the same three institutions are drilled, in memory: what one costs must not grow with the rest.

const LOCK = 3 * 86_400
const BODY = 100_000
const BATCH = 64

async function filled(ctx: Ctx, records: number): Promise<Uint8Array[]> {
  const bodies: Uint8Array[] = []
  const [compartment] = ctx.session.state.ring.compartments
  for (let at = 0; at < records; at += BATCH) {
    const drafts = Array.from({ length: Math.min(BATCH, records - at) }, (_, i) => {
      const body = random(BODY)
      bodies.push(body)
      const facts = { title: `Letter ${at + i}`, codes: [] }
      return {
        id: random(16),
        kind: 'document' as const,
        mediaType: 'application/octet-stream',
        compartment: compartment!.id,
        authoredAt: clock(),
        body,
        facts,
      }
    })
    await fileRecords(ctx, drafts)
  }
  await publishState(ctx)
  return bodies
}

async function guarded(bench: BenchHome, patient: Ctx): Promise<Ctx[]> {
  const guardians: Ctx[] = []
  for (let i = 1; i <= 3; i++) {
    const g = await bench.person(`Guardian ${i}`)
    await introduce(patient, g)
    await askGuardian(patient, g.session.state.ring.did)
    await receiveMessages(g)
    await acceptGuarding(g, patient.session.state.ring.did)
    guardians.push(g)
  }
  await receiveMessages(patient)
  await setGuardians(patient, { threshold: 2 })
  for (const g of guardians) await receiveMessages(g)
  return guardians
}

/** Seconds from the last vote to the list of everything, without the lock; and with the words, and new keys afterwards as well. */
async function recovering(records: number, rounds: number): Promise<{ guardians: number[]; words: number[] }> {
  let ahead = 0
  const time = (): number => clock() + ahead
  const bench = await benchHome({ KEEPWELL_ANCHOR_SECONDS: '3600', KEEPWELL_HEAD_SECONDS: '3600' }, time)
  try {
    const patient = await bench.person('Ada')
    await filled(patient, records)
    const guardians = await guarded(bench, patient)
    const parts = { clock: time, random, network: bench.network }
    const out = { guardians: [] as number[], words: [] as number[] }
    const listed = async (ctx: Ctx): Promise<void> => {
      await receiveRecords(ctx)
      if ((await listEntries(ctx)).length !== records) throw new Error('Some records did not come back.')
    }
    for (let round = 0; round < rounds; round++) {
      const open = await beginPlea(parts, { relay: bench.url, name: 'new phone' })
      for (const g of guardians.slice(0, 2)) await helpRecover(g, open.plea, patient.session.state.ring.did)
      const begun = await timed(() => beginRound(parts, open))
      ahead += LOCK
      const catalog = memoryCatalog()
      const finished = await timed(async () => {
        const { session, words } = await finishRecovery({ ...parts, catalog }, open, { keep: async () => {} })
        await listed({ ...parts, catalog, session })
        return words
      })
      out.guardians.push(begun.seconds + finished.seconds)
      const other = memoryCatalog()
      const alone = await timed(async () => {
        const session = await restoreVault(parts, { words: finished.result, relay: bench.url, deviceName: 'laptop' })
        const ctx = { ...parts, catalog: other, session }
        await rotate(ctx)
        await listed(ctx)
      })
      out.words.push(alone.seconds)
    }
    return out
  } finally {
    await bench.close()
  }
}

/** `tar x` of a stream into a folder, and the SHA-256 of each file. */
async function unpacked(dir: string, from: Readable): Promise<void> {
  const tar = spawn('tar', ['-x', '-C', dir], { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = new Promise<number | null>(resolve => tar.once('exit', resolve))
  await pipeline(from, tar.stdin)
  if ((await ended) !== 0) throw new Error('tar failed.')
  for (const name of await readdir(dir))
    createHash('sha256')
      .update(await readFile(join(dir, name)))
      .digest()
}

async function restoring(records: number, rounds: number): Promise<{ bytes: number; ours: number[]; age: number[]; plain: number[] }> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-drill-'))
  const bench = await benchHome({ KEEPWELL_ANCHOR_SECONDS: '3600', KEEPWELL_HEAD_SECONDS: '3600' })
  try {
    const base = { clock, random, network: bench.network }
    const { session, words } = await createVault(base, { name: 'Ada', relay: bench.url, deviceName: 'bench' })
    const patient: Ctx = { ...base, catalog: memoryCatalog(), session }
    const bodies = await filled(patient, records)
    const file = join(dir, 'backup')
    await pipeline(Readable.from(backup(patient)), createWriteStream(file))
    const bare = join(dir, 'bare')
    await mkdir(bare)
    for (const [i, body] of bodies.entries()) await writeFile(join(bare, String(i)), body)
    const tar = join(dir, 'bodies.tar')
    await new Promise<void>((resolve, reject) =>
      spawn('tar', ['-c', '-C', bare, '-f', tar, '.']).once('exit', code => (code ? reject(new Error('tar failed.')) : resolve())),
    )
    const identity = await generateHybridIdentity()
    const encrypter = new Encrypter()
    encrypter.addRecipient(await identityToRecipient(identity))
    const age = join(dir, 'bodies.age')
    await pipeline(Readable.fromWeb((await encrypter.encrypt(web(createReadStream(tar)))) as never), createWriteStream(age))
    const out = { bytes: (await stat(file)).size, ours: [] as number[], age: [] as number[], plain: [] as number[] }
    const recovery = await recoveryOf(rootFromWords(words))
    for (let round = 0; round < rounds; round++) {
      out.ours.push((await timed(() => restoredOnce(file, recovery, records))).seconds)
      const into = async (from: () => Promise<Readable>): Promise<number> => {
        const place = await mkdtemp(join(dir, 'out-'))
        const { seconds } = await timed(async () => unpacked(place, await from()))
        await rm(place, { recursive: true })
        return seconds
      }
      const decrypter = new Decrypter()
      decrypter.addIdentity(identity)
      out.age.push(await into(async () => Readable.fromWeb((await decrypter.decrypt(web(createReadStream(age)))) as never)))
      out.plain.push(await into(async () => createReadStream(tar)))
    }
    return out
  } finally {
    await bench.close()
    await rm(dir, { recursive: true, force: true })
  }
}

const web = (from: Readable): ReadableStream<Uint8Array> => Readable.toWeb(from) as unknown as ReadableStream<Uint8Array>

/** An empty home with a relay and a ledger of its own, the backup restored into it, and every record listed. */
async function restoredOnce(file: string, recovery: Awaited<ReturnType<typeof recoveryOf>>, records: number): Promise<void> {
  const empty = await benchHome({ KEEPWELL_PORT: '18788', KEEPWELL_ANCHOR_SECONDS: '3600', KEEPWELL_HEAD_SECONDS: '3600' })
  try {
    const base = { clock, random, network: empty.network, catalog: memoryCatalog() }
    const { session } = await restoreBackup(base, { chunks: createReadStream(file), recovery, relay: empty.url, deviceName: 'drill' })
    const ctx = { ...base, session }
    await receiveRecords(ctx)
    if ((await listEntries(ctx)).length !== records) throw new Error('Some records did not come back.')
  } finally {
    await empty.close()
  }
}

const spread = (values: readonly number[], digits = 2): string =>
  `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    records: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    vaults: { type: 'string', default: '10,100' },
    only: { type: 'string' },
  },
})
const [records, rounds] = [Number(values.records), Number(values.rounds)]
const rows: Row[] = []
if (!values.only || values.only === 'recovery') {
  const { guardians, words } = await recovering(records, rounds)
  rows.push(
    { what: `recovery of ${records} records, the lock left out`, value: median(guardians), unit: 's', note: spread(guardians) },
    { what: '… with the words, and new keys', value: median(words), unit: 's', note: spread(words) },
  )
}
if (!values.only || values.only === 'restore') {
  const { bytes, ours, age, plain } = await restoring(records, rounds)
  const pace = (seconds: number): number => bytes / 1e9 / (seconds / 60)
  rows.push(
    { what: `a backup of ${(bytes / 1e6).toFixed(0)} MB restored`, value: pace(median(ours)), unit: 'GB/min', note: `${spread(ours)} s` },
    { what: '… age -d | tar x, each hashed', value: pace(median(age)), unit: 'GB/min', note: `${spread(age)} s` },
    { what: '… tar x, each hashed', value: pace(median(plain)), unit: 'GB/min', note: `${spread(plain)} s` },
  )
}
if (!values.only || values.only === 'vaults')
  for (const vaults of values.vaults.split(',').map(Number)) {
    const cpu = (): number => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    }
    const d = await drillMany({ vaults, recoverEvery: Math.max(4, vaults / 25), tamperEvery: 5 }, cpu)
    const whole = d.back === d.lost && d.proved + d.disproved.length + d.silent === 3 * vaults
    if (!whole) throw new Error('The drill did not come out whole.')
    rows.push(
      { what: `${vaults} vaults: set up, each`, value: d.setUp, unit: 'ms', note: 'processor' },
      {
        what: '… drilled, each',
        value: d.drill,
        unit: 'ms',
        note: `${d.proved} proved, ${d.disproved.length} altered, ${d.silent} silent`,
      },
      {
        what: '… brought back, each',
        value: d.recovery,
        unit: 'ms',
        note: `${d.back} of ${d.lost}; ${d.named.length} altered shares named`,
      },
      {
        what: '… a guardian takes one more share',
        value: d.bytesToHold / 1000,
        unit: 'kB',
        note: `keyring ${(d.keyringBytes / 1000).toFixed(0)} kB`,
      },
    )
  }
report('drill: recovery, restore, and many vaults', rows, values.json)
