import { describe, expect, test } from 'vitest'
import { connections, keepConnection } from '#actions/connect/connections'
import type { Ctx } from '#actions/context'
import { eraseRecords } from '#actions/records/erase-records'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { openRecords } from '#actions/records/open-record'
import { receiveRecords } from '#actions/records/receive-records'
import { draft, person, world } from '#actions/story.kit'
import { concat, toHex, utf8 } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { recoveryOf, rootFromWords } from '#identity/root'
import { memoryCatalog } from '#memory/catalog'
import type { Shelf } from '#ports/shelf'
import { checkBackup } from './check-backup.ts'
import { DEFAULT_GENERATIONS, keptTimes } from './generations.ts'
import { backupName, backupState, backupTime, expectedNow, keepBackups, tidyBackups } from './keep-backups.ts'
import { restoreBackup } from './restore-backup.ts'

const OLD = 'http://old.test'
const NEW = 'http://new.test'
const DAY = 86_400
const keep = DEFAULT_GENERATIONS

function shelfOf(files: Map<string, Uint8Array>): Shelf {
  return {
    list: async () => [...files.keys()],
    async *read(name) {
      const file = files.get(name)
      if (!file) throw new KeepwellError('NOT_FOUND', 'No such backup.')
      for (let at = 0; at < file.length; at += 50_000) yield file.subarray(at, at + 50_000)
    },
    async write(name, content) {
      const parts = []
      for await (const part of content) parts.push(part.slice())
      files.set(name, concat(...parts))
      return files.get(name)!.length
    },
    remove: async name => void files.delete(name),
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    e => (e as KeepwellError).code,
  )

const big = (): Uint8Array => new Uint8Array(9_000_001).map((_, i) => (i * 7) & 255)
const titles = async (ctx: Ctx): Promise<string[]> => (await listEntries(ctx)).map(e => e.card.title).sort()

/** The same party where the relay it left does not answer. */
const withoutOld = (ctx: Ctx): Ctx => {
  const relay: Ctx['network']['relay'] = async url => ctx.network.relay(url === OLD ? 'http://lost.test' : url)
  return { ...ctx, network: { ...ctx.network, relay } }
}

describe('T30: kept backups', () => {
  test('are the newest of seven days, four weeks and twelve months, and the newest of all', () => {
    const now = Date.parse('2026-11-28T20:00:00Z') / 1000
    const daily = Array.from({ length: 800 }, (_, i) => now - i * DAY)
    const twice = daily.flatMap(t => [t, t - 3600])
    const kept = [...keptTimes(twice, keep)].sort((a, b) => b - a)
    const days = kept.map(t => new Date(t * 1000).toISOString().slice(0, 10))
    const week = ['2026-11-28', '2026-11-27', '2026-11-26', '2026-11-25', '2026-11-24', '2026-11-23', '2026-11-22']
    const older = ['2026-11-15', '2026-11-08', '2026-10-31', '2026-09-30', '2026-08-31', '2026-07-31', '2026-06-30', '2026-05-31']
    const last = ['2026-04-30', '2026-03-31', '2026-02-28', '2026-01-31', '2025-12-31']
    expect(days).toEqual([...week, ...older, ...last])
    expect(keptTimes([5], { days: 0, weeks: 0, months: 0 })).toEqual(new Set([5]))
    expect(backupTime(backupName(now))).toBe(now)
    expect(backupTime('keepwell-holiday.backup')).toBeNull()
  })

  test('are opened to the last byte and compared with the vault: nothing more, nothing less, no other', async () => {
    const w = await world([OLD])
    const patient = await person(w, 'Ada', OLD)
    await fileRecords(patient, [draft(patient, 'imaging', 'scan', big()), draft(patient, 'general', 'note')])
    const files = new Map<string, Uint8Array>()
    const shelf = shelfOf(files)
    const { name, check } = await keepBackups(patient, { shelf, keep })
    expect(check).toMatchObject({ records: 2, opened: 2, erased: 0 })
    const expected = await expectedNow(patient)
    const [[id, leaf]] = [...expected] as [[string, Uint8Array]]
    const against = (e: ReadonlyMap<string, Uint8Array>) => codeOf(checkBackup(shelf.read(name), patient.session.device, e))
    expect(await against(new Map([...expected, ['00'.repeat(16), leaf]]))).toBe('TRUNCATED')
    expect(await against(new Map([...expected].slice(1)))).toBe('ENVELOPE_MISMATCH')
    expect(await against(new Map([...expected, [id, new Uint8Array(32)]]))).toBe('ENVELOPE_MISMATCH')
    // A relay that leaves something out makes no backup that is kept.
    w.now += DAY
    const blind = { ...patient, catalog: memoryCatalog() }
    for await (const row of patient.catalog.all()) if (toHex(row.id) !== id) await blind.catalog.note([row])
    const lacking: Shelf = { ...shelf, read: () => shelf.read(name) }
    expect(await codeOf(keepBackups(blind, { shelf: lacking, keep }))).toBe('ENVELOPE_MISMATCH')
    expect([...files.keys()]).toEqual([name])
  })

  test('lose what was erased since they were made, and those that cannot be opened go', async () => {
    const w = await world([OLD, NEW])
    const patient = await person(w, 'Ada', OLD)
    // Larger than a segment: what is hurt behind the first is not seen at the beginning.
    const large = new Uint8Array(300_000)
    const [gone] = await fileRecords(patient, [draft(patient, 'general', 'regretted'), draft(patient, 'general', 'kept', large)])
    const files = new Map<string, Uint8Array>()
    const shelf = shelfOf(files)
    const first = await keepBackups(patient, { shelf, keep })
    const before = files.get(first.name)!
    const strange = backupName(w.now - 2 * DAY)
    files.set(
      strange,
      before.map((b, i) => (i === 60 ? b ^ 1 : b)),
    )
    w.now += DAY
    await eraseRecords(patient, [gone!.id])
    const second = await keepBackups(patient, { shelf, keep })
    expect([second.resealed, second.pruned, second.damaged]).toEqual([[first.name], [strange], []])
    for (const { name } of [first, second])
      expect(await checkBackup(shelf.read(name), patient.session.device)).toMatchObject({ records: 1, erased: 1 })
    expect(await tidyBackups(patient, { shelf, keep })).toEqual({ resealed: [], pruned: [], damaged: [] })
    // One that is damaged further in cannot be cleaned, so it goes as well.
    files.set(first.name, before.slice(0, before.length - 100))
    expect(await tidyBackups(patient, { shelf, keep })).toEqual({ resealed: [], pruned: [first.name], damaged: [] })

    // A copy from before that lay elsewhere does not bring it back: the old relay says so, or a newer backup does.
    const recovery = await recoveryOf(rootFromWords(patient.words))
    const chunks = shelfOf(new Map([['copy', before]]))
    const { erased } = await backupState(shelf.read(second.name), recovery)
    const input = { recovery, relay: NEW, deviceName: 'new' }
    const restored = await restoreBackup(withoutOld(patient), { ...input, chunks: chunks.read('copy'), erased })
    const again: Ctx = { ...patient, session: restored.session, catalog: memoryCatalog() }
    await receiveRecords(again)
    expect([restored.records, restored.erased, await titles(again)]).toEqual([1, 1, ['kept']])
    await fileRecords(again, [draft(again, 'general', 'later')])
    expect(await codeOf(fileRecords(again, [{ ...draft(again, 'general', 'regretted'), id: gone!.id }]))).toBe('ERASED')
    const third = await keepBackups(again, { shelf, keep })
    expect(third.check).toMatchObject({ records: 2, erased: 1 })
    expect(
      await openRecords(
        again,
        (await listEntries(again)).map(e => e.id),
      ),
    ).toHaveLength(2)
  })

  test('say themselves what was erased before, and it stays erased where nobody else is left to say so', async () => {
    const w = await world([OLD, NEW])
    const patient = await person(w, 'Ada', OLD)
    const [gone] = await fileRecords(patient, [draft(patient, 'general', 'regretted'), draft(patient, 'general', 'kept')])
    await eraseRecords(patient, [gone!.id])
    const shelf = shelfOf(new Map())
    const { name } = await keepBackups(patient, { shelf, keep })
    const recovery = await recoveryOf(rootFromWords(patient.words))
    const input = { recovery, relay: NEW, deviceName: 'new' }
    const restored = await restoreBackup(withoutOld(patient), { ...input, chunks: shelf.read(name) })
    expect([restored.records, restored.erased]).toEqual([1, 1])
    const again: Ctx = { ...patient, session: restored.session, catalog: memoryCatalog() }
    await receiveRecords(again)
    expect(await codeOf(fileRecords(again, [{ ...draft(again, 'general', 'regretted'), id: gone!.id }]))).toBe('ERASED')
  })

  test('the old relay says what was erased since, where it still answers', async () => {
    const w = await world([OLD, NEW])
    const patient = await person(w, 'Ada', OLD)
    const [gone] = await fileRecords(patient, [draft(patient, 'general', 'regretted'), draft(patient, 'general', 'kept')])
    const shelf = shelfOf(new Map())
    const { name } = await keepBackups(patient, { shelf, keep })
    await eraseRecords(patient, [gone!.id])
    const recovery = await recoveryOf(rootFromWords(patient.words))
    const restored = await restoreBackup(patient, { chunks: shelf.read(name), recovery, relay: NEW, deviceName: 'new' })
    expect([restored.records, restored.erased]).toEqual([1, 1])
  })

  test('hold no login to a hospital, and no words', async () => {
    const w = await world([OLD])
    const patient = await person(w, 'Ada', OLD)
    const token = 'CANARY-TOKEN-'.repeat(4)
    const server = { issuer: null, authorize: 'https://h.test/a', token: 'https://h.test/t', register: null, revoke: null }
    const login = { client: 'c', redirect: 'https://k.test/', scope: 'patient/*.rs', patient: '1', access: token, accessUntil: null }
    await keepConnection(patient, {
      id: w.random(8),
      label: 'H',
      base: 'https://h.test',
      server,
      ...login,
      refresh: token,
      connectedAt: w.now,
    })
    expect(await connections(patient)).toHaveLength(1)
    await fileRecords(patient, [draft(patient, 'general', 'note', utf8('CANARY-BODY '.repeat(40)))])
    const files = new Map<string, Uint8Array>()
    const { name } = await keepBackups(patient, { shelf: shelfOf(files), keep })
    const { readBackup } = await import('./backup-file.ts')
    const inside: string[] = []
    const { encode } = await import('#base/cbor')
    const { openKeyring } = await import('#identity/keyring')
    for await (const p of readBackup(shelfOf(files).read(name), patient.session.device)) {
      inside.push(toHex(encode(p)))
      if (p.t === 'vault' && 'keyring' in p) inside.push(toHex(encode(await openKeyring(p.keyring, patient.session.device))))
    }
    const outside = toHex(files.get(name)!)
    // Not even opened is there a token in it; sealed, nothing at all.
    for (const canary of [utf8(token), utf8(patient.words)]) expect([outside, ...inside].some(t => t.includes(toHex(canary)))).toBe(false)
    expect(outside.includes(toHex(utf8('CANARY-BODY')))).toBe(false)
  })
})
