import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { concat, fromHex, utf8 } from '@keepwell/sdk/base/bytes'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'

const CANARY = 'Canary-Hot-7f3a'
const LIMIT = 8 << 20
let world: GatewayWorld
let ada: Party
let id: string
let commitments: Record<string, Uint8Array>
/** Blocks that the relay was asked for by the clinic. */
let asked = 0

beforeAll(async () => {
  world = await gatewayWorld({ hotBytes: LIMIT, ctx: counted })
  ada = await world.patient('Ada')
  await files(ada, {
    'scan.dcm': sampleDicom('hot', { rows: 512, columns: 512 }),
    'large.dcm': sampleDicom('large', { rows: 1500, columns: 1500 }),
    'letter.txt': `${CANARY} is in a letter.`,
    'note.json': { resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/p' }, code: { text: CANARY } },
  })
  ;({ id, commitments } = await consents(world, ada, ['read']))
})
afterAll(() => world.close())

/** The clinic's network, with its requests for blocks counted. */
function counted(clinic: Party): Party {
  const relays = new Map<string, Promise<Awaited<ReturnType<Party['network']['relay']>>>>()
  const relay: Party['network']['relay'] = url => {
    const known =
      relays.get(url) ??
      clinic.network.relay(url).then(r => ({
        ...r,
        async *getBlocks(capability: Uint8Array, cids: Parameters<typeof r.getBlocks>[1], signal?: AbortSignal): AsyncIterable<Block> {
          asked += cids.length
          yield* r.getBlocks(capability, cids, signal)
        },
      }))
    relays.set(url, known)
    return known
  }
  return { ...clinic, network: { ...clinic.network, relay } }
}

const asks = (path: string) =>
  fetch(`${world.running.url}${path}`, { headers: { authorization: `Bearer ${world.key}`, ...NURSE, 'x-keepwell-patient': id } })
const hot = () => join(world.clinic.folder, 'hot')
const kept = async () => (await readdir(hot(), { recursive: true })).filter(f => f.endsWith('.pack')).map(f => join(hot(), f))
const bytesKept = async () => (await Promise.all((await kept()).map(f => stat(f)))).reduce((sum, s) => sum + s.size, 0)
const metric = async (name: string) =>
  Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await (await fetch(`${world.running.url}/metrics`)).text())?.[1])

/** Opens the whole record and fetches every image; gives their bytes. */
async function look(): Promise<Uint8Array> {
  expect((await asks(`/fhir/Condition?patient=${id}`)).status).toBe(200)
  const studies = (await (await asks('/dicomweb/studies')).json()) as Record<string, { Value: string[] }>[]
  const bodies: Uint8Array[] = []
  for (const s of studies.toSorted((a, b) => (a['0020000D']!.Value[0]! < b['0020000D']!.Value[0]! ? -1 : 1)))
    bodies.push(new Uint8Array(await (await asks(`/dicomweb/studies/${s['0020000D']!.Value[0]}`)).arrayBuffer()))
  return concat(...bodies.map(b => b.subarray(0, b.length - 100).subarray(200)))
}
const end = () => {
  for (const s of world.gateway.patients().length ? world.gateway.openFor(NOBODY) : []) s.close()
}
const NOBODY = { person: 'Nurse Joy', role: 'nurse', purpose: 'TREAT', scopes: null, patient: null } as const

test('a second session asks the relay for keys, with a receipt, and for no block', async () => {
  const first = await look()
  expect(asked).toBeGreaterThan(10)
  const before = asked
  end()
  const again = await look()
  expect(asked - before).toBe(0)
  expect(again.length).toBe(first.length)
  expect(await metric('keepwell_hot_hits_total')).toBeGreaterThan(10)
  expect(await metric('keepwell_hot_bytes')).toBe(await bytesKept())
})

test('what lies on the disk is sealed: no word of the record is in it', async () => {
  const all = concat(...(await Promise.all((await kept()).map(f => readFile(f)))))
  const found = (word: string): boolean => Buffer.from(all).includes(Buffer.from(utf8(word)))
  expect([all.length > 1 << 20, found(CANARY), found('\0\0\0\0DICM'), found('Condition')]).toEqual([true, false, false, false])
})

test('a damaged block is noticed and fetched again', async () => {
  for (const file of await kept()) {
    const bytes = await readFile(file)
    for (let at = 300; at < bytes.length; at += 200_000) bytes[at]! ^= 1
    await writeFile(file, bytes)
  }
  end()
  const before = asked
  expect((await look()).length).toBeGreaterThan(1 << 20)
  expect(asked).toBeGreaterThan(before)
  expect(await metric('keepwell_hot_damaged_total')).toBeGreaterThan(0)
})

test('more than there is room for makes the longest unused go, and never grows beyond the limit', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 4 }, (_, i) => [`flood${i}.dcm`, sampleDicom(`flood ${i}`, { rows: 1024, columns: 1024 })]),
  )
  await files(ada, many)
  end()
  await look()
  const size = await bytesKept()
  expect(size).toBeGreaterThan(LIMIT / 2)
  expect(size).toBeLessThanOrEqual(LIMIT)
})

test('an erased record goes with the next look, and with the consent goes everything', async () => {
  const erased = (await world.gateway.session(NOBODY, id)).images.map(i => i.recordId)
  await eraseRecords(ada, erased.map(fromHex))
  end()
  await look()
  expect(await bytesKept()).toBeLessThan(64 << 10)
  expect((await kept()).length).toBeGreaterThan(0)
  await revoke(ada, commitments.read!)
  await until(async () => (await readdir(hot())).length === 0)
})
