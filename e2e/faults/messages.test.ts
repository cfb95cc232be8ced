import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { toHex } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEEP } from '#e2e/faults/world'
import { type Network, startNetwork } from '#e2e/network'
import type { Party } from '#e2e/parties'
import type { Disturbance } from '#e2e/proxy'
import { draft, introduce, newestGrant, read, share } from '#e2e/story'

let network: Network
beforeAll(async () => {
  network = await startNetwork({ homes: [{ name: 'home', proxied: true }, { name: 'clinic' }] })
})
afterAll(() => network.close())

const proxy = () => network.home('home').proxy!
const undisturbed = () => {
  proxy().disturb = () => 'pass'
}

async function people(): Promise<{ patient: Party; clinic: Party }> {
  const patient = await network.party('Ada Example', 'home')
  const clinic = await network.party('Clinic West', 'clinic')
  await introduce(patient, clinic)
  return { patient, clinic }
}

/** Spoils one request: the nth of those whose line matches. */
function spoil(pattern: RegExp, fate: Disturbance, nth = 0): void {
  let seen = -1
  proxy().disturb = line => (pattern.test(line) && ++seen === nth ? fate : 'pass')
}

describe('requests that arrive twice, late, or not at all', () => {
  const CALLS = [
    { name: 'submit', pattern: /call\/submit/, work: (p: Party) => fileRecords(p, [draft(p, 'laboratory', 'again')]) },
    { name: 'an upload', pattern: /POST .*blocks/, work: (p: Party) => fileRecords(p, [draft(p, 'laboratory', 'again')]) },
  ]
  test.each(CALLS)('$name, sent twice by the line: filed once', async ({ pattern, work }) => {
    const { patient } = await people()
    spoil(pattern, 'twice')
    const code = await codeOf(() => work(patient))
    undisturbed()
    expect(['REPLAYED', 'no error']).toContain(code)
    await receiveRecords(patient)
    expect((await listEntries(patient)).length, 'never filed twice').toBeLessThanOrEqual(1)
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test('a reading, sent twice by the line: the copy is refused and opens nothing', async () => {
    const { patient, clinic } = await people()
    const [one] = await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
    const session = await read(clinic, await share(patient, clinic, ['laboratory']))
    spoil(/call\/access/, 'twice')
    expect(await codeOf(() => session.open([one!.id]))).toBe('REPLAYED')
    undisturbed()
    expect(await session.open([one!.id])).toHaveLength(1)
    const trail = await verifyTrail(patient)
    expect(trail.problems).toEqual([])
    expect(trail.looked.filter(l => l.receipt.action === 'view' && l.name === 'Clinic West')).toHaveLength(2)
  })

  test('a revocation whose answer is lost has been done', async () => {
    const { patient, clinic } = await people()
    await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
    const commitment = await share(patient, clinic, ['laboratory'])
    spoil(/call\/revoke/, 'drop-answer')
    expect(await codeOf(() => revoke(patient, commitment))).toBe('RELAY_UNREACHABLE')
    undisturbed()
    expect(await codeOf(() => read(clinic, commitment))).toBe('DENIED')
    await revoke(patient, commitment)
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test('an erasure whose answer is lost has been done; asked again, it is confirmed', async () => {
    const { patient } = await people()
    const [one] = await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
    spoil(/call\/erase/, 'drop-answer')
    expect(await codeOf(() => eraseRecords(patient, [one!.id]))).toBe('RELAY_UNREACHABLE')
    undisturbed()
    expect(await openRecords(patient, [one!.id])).toEqual([])
    const { receipts } = await eraseRecords(patient, [one!.id])
    expect(receipts.flatMap(r => r.ids.map(toHex))).toEqual([toHex(one!.id)])
  })

  test('a grant whose message is lost can be given again', async () => {
    const { patient, clinic } = await people()
    await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
    spoil(/put-head/, 'drop-answer')
    expect(await codeOf(() => share(patient, clinic, ['laboratory']))).toBe('RELAY_UNREACHABLE')
    undisturbed()
    await share(patient, clinic, ['laboratory'])
    expect((await read(clinic, newestGrant(clinic))).records).toHaveLength(1)
  })
})

/** The same fates in every run. */
function fates(seed: number): () => Disturbance {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const draw = (state >>> 8) % 100
    if (draw < 8) return 'drop'
    if (draw < 16) return 'drop-answer'
    if (draw < 24) return 'twice'
    return draw < 60 ? { delay: (state >>> 16) % 40 } : 'pass'
  }
}

/** Keeps at it as a person would: until it works. */
async function persist<T>(work: () => Promise<T>): Promise<{ value: T; failures: string[] }> {
  const failures: string[] = []
  for (let i = 0; i < 40; i++) {
    let value: T | undefined
    const code = await codeOf(async () => {
      value = await work()
    })
    if (code === 'no error') return { value: value as T, failures }
    failures.push(code)
  }
  throw new Error(`It never worked: ${failures.join(', ')}`)
}

const ROUNDS = DEEP ? 12 : 1

test(
  'two devices over a bad line, with everything lost, doubled and out of order: no error but these, nothing lost, nothing twice',
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { patient, clinic } = await people()
      const second = await network.restored(patient, 'home')
      await refreshRing(patient)
      proxy().disturb = fates(round + 2)
      const seen = new Set<string>()
      const acknowledged: string[] = []
      const device = async (ctx: Party, titles: readonly string[]) => {
        for (const title of titles) {
          // A new draft for each try: whether the lost one was filed shows at the end.
          const { value, failures } = await persist(async () => (await fileRecords(ctx, [draft(ctx, 'laboratory', title)]))[0]!)
          acknowledged.push(toHex(value.id))
          for (const f of failures) seen.add(f)
        }
      }
      await Promise.all([device(patient, ['a', 'b', 'c']), device(second, ['d', 'e', 'f'])])
      const shared = await persist(() => share(patient, clinic, ['laboratory']))
      const reading = await persist(async () => {
        await receiveMessages(clinic)
        return (await read(clinic, newestGrant(clinic))).records.length
      })
      const revoked = await persist(() => revoke(patient, newestGrant(clinic)))
      for (const f of [...shared.failures, ...reading.failures, ...revoked.failures]) seen.add(f)
      undisturbed()
      console.info(`round ${round}: the line gave ${[...seen].join(', ') || 'no trouble'}`)
      for (const code of seen) expect(['RELAY_UNREACHABLE', 'REPLAYED']).toContain(code)
      await refreshRing(patient)
      expect((await receiveRecords(patient)).problems).toEqual([])
      const ids = (await listEntries(patient)).map(e => toHex(e.id))
      expect(acknowledged.filter(id => !ids.includes(id))).toEqual([])
      expect(
        await openRecords(
          patient,
          (await listEntries(patient)).map(e => e.id),
        ),
      ).toHaveLength(ids.length)
      expect(await codeOf(() => read(clinic, newestGrant(clinic)))).toBe('DENIED')
      await network.home('home').open.relay.anchor()
      expect((await confirmAnchors(patient, await listEntries(patient))).wrong).toEqual([])
      expect((await verifyTrail(patient)).problems).toEqual([])
    }
  },
  ROUNDS * 300_000,
)
