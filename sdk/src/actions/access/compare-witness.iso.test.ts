import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { callRelay, ownBundle } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { makeBundle } from '#actions/vault/create-vault'
import { witnessDoors } from '#actions/witness/doors'
import type { WitnessCtx } from '#actions/witness/followed'
import { look } from '#actions/witness/look'
import { witnessOf } from '#audit/cosign'
import type { Evidence } from '#audit/evidence'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { secpAddress } from '#crypto/secp'
import { bundleMessage, encodeBundle } from '#identity/bundle'
import { peek, signedHash } from '#identity/signed'
import { memoryCatalog } from '#memory/catalog'
import { memoryEnvelopes } from '#memory/envelopes'
import type { MemoryLedger } from '#memory/ledger'
import { memoryLog } from '#memory/log'
import type { Relay } from '#ports/relay'
import type { Witness } from '#ports/witness'
import { createRelay, type Upkeep } from '#relay/relay'
import { compareWithWitness } from './compare-witness.ts'
import { reportProof } from './report-proof.ts'
import { verifyTrail } from './verify-trail.ts'

const HOME = 'https://patient.test'
const SECOND = 'https://second.test'

let w: World
let patient: Ctx
let honest: Relay & Upkeep
/** What the patient is shown in the place of the relay's own words; everybody else, the witness among them, sees the relay as it is. */
let lie: Partial<Relay>
let witness: Witness
let watching: WitnessCtx

beforeEach(async () => {
  w = await world([HOME, SECOND], 'witnessed', 'one ledger')
  honest = w.homes.get(HOME)!.relay
  lie = {}
  const everybody = w.network
  const shown = new Proxy(honest, { get: (target, key) => Reflect.get(lie, key) ?? Reflect.get(target, key) })
  const network = { ...everybody, relay: async (url: string) => (url === HOME ? shown : everybody.relay(url)) }
  patient = await person({ ...w, network }, 'Ada Example', HOME)
  await listSecond()
  for (const title of ['one', 'two', 'three']) await fileRecords(patient, [draft(patient, 'laboratory', title)])
  const seed = w.random(32)
  watching = {
    clock: w.clock,
    network: everybody,
    store: memoryEnvelopes(),
    ledger: async () => (w.homes.get(HOME)!.ledger as MemoryLedger).as(`0x${'77'.repeat(20)}`),
    key: { ...(await witnessOf('w.test', seed)), seed },
    promise: 900,
    tell: async () => {},
    turns: new Map(),
  }
  witness = witnessDoors(watching, 'https://w.test')
  await look(watching, { url: HOME })
})

/** The vault names a second relay, which anybody's proof can be brought to. */
async function listSecond(): Promise<void> {
  const { ring } = patient.session.state
  const { manifest } = peek(ownBundle(ring).signed, bundleMessage)
  const facts = { did: ring.did, version: 2, prev: signedHash(ownBundle(ring).signed), relays: [HOME, SECOND], manifest }
  const bundle = await makeBundle(patient, facts, ring)
  const next = {
    ...patient,
    session: { ...patient.session, state: { ...patient.session.state, ring: { ...ring, bundle: encodeBundle(bundle) } } },
  }
  for (const url of [HOME, SECOND]) await callRelay(next, await patient.network.relay(url), 'enroll', { bundle })
  await changeRing(patient, r => ({ ...r, bundle: encodeBundle(bundle) }))
}

const fresh = (): Ctx => ({ ...patient, catalog: memoryCatalog() })
const log = (): string => secpAddress(w.homes.get(HOME)!.context.keys.request)
const forked = async (): Promise<boolean> => (await w.homes.get(HOME)!.ledger.trail.latest(log()))?.forked === true
const size = () => w.homes.get(HOME)!.context.log.size()
const file = () => fileRecords(fresh(), [draft(patient, 'general', 'more')])

/** The relay under its own keys, with another history of so many entries. */
async function history(entries: number): Promise<Partial<Relay>> {
  const other = memoryLog()
  for (let i = 0; i < entries; i++) await other.append([w.random(32)])
  const twin = createRelay({ ...w.homes.get(HOME)!.context, log: other })
  return { head: () => twin.head(), consistency: (a, b) => twin.consistency(a, b) }
}

describe('T16: a vault and a witness compare what they were shown', () => {
  test('an honest relay is not accused, though it grows and anchors between any two questions', async () => {
    const busy = (w: Witness): Witness => ({
      ...w,
      async seen(l) {
        const saw = await w.seen(l)
        await file()
        await honest.anchor()
        return saw
      },
    })
    lie = {
      async head() {
        const shown = await honest.head()
        await file()
        await honest.anchor()
        return shown
      },
    }
    for (let i = 0; i < 3; i++) {
      expect(await compareWithWitness(patient, busy(witness))).toMatchObject({ name: 'w.test', charges: [], problems: [] })
      expect((await verifyTrail(patient)).problems).toEqual([])
      expect((await look(watching, { url: HOME })).charges).toEqual([])
    }
  })

  test('two devices of one vault that check at once do not take each other’s newer memory for a log that was cut', async () => {
    let asked = 0
    lie = {
      async head() {
        const shown = await honest.head()
        if (asked++ === 0) {
          await file()
          lie = {}
          expect((await verifyTrail(patient)).problems).toEqual([])
        }
        return shown
      },
    }
    expect((await verifyTrail(patient)).problems).toEqual([])
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test.each([0, 3])('another history, %i entries longer, shown to the patient alone is found, and both know', async more => {
    lie = await history((await size()) + more)
    const { problems, charges } = await compareWithWitness(fresh(), witness)
    expect(problems.map(p => p.code)).toEqual(['FORKED'])
    expect(charges.map(c => c.kind)).toEqual([more ? 'unproven' : 'fork'])
    if (more) {
      while ((await size()) <= more + 2) await file()
      await file()
      await look(watching, { url: HOME })
    }
    expect(await forked()).toBe(true)
    lie = {}
    expect((await verifyTrail(fresh())).problems.map(p => p.message)).toEqual([
      'The ledger holds proof that this relay showed two histories.',
    ])
  })

  test('a log that the witness does not follow is no accusation; nor is a witness that does not answer', async () => {
    const other = witnessDoors({ ...watching, store: memoryEnvelopes() }, 'https://w.test')
    expect(await compareWithWitness(patient, other)).toEqual({ name: 'w.test', seen: null, charges: [], problems: [] })
    const gone = { ...witness, seen: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'No.')) }
    expect(await codeOf(() => compareWithWitness(patient, gone))).toBe('RELAY_UNREACHABLE')
  })

  test('a witness that shows what it did not cosign, what the relay did not sign, or that is another than before is not believed', async () => {
    await compareWithWitness(patient, witness)
    const stranger = w.homes.get(SECOND)!.relay
    const saying = (change: (s: NonNullable<Awaited<ReturnType<Witness['seen']>>>) => Promise<object> | object): Witness => ({
      ...witness,
      async seen(l) {
        const s = (await witness.seen(l))!
        return { ...s, ...(await change(s)) }
      },
    })
    expect(
      await codeOf(() =>
        compareWithWitness(
          patient,
          saying(async () => ({ head: await stranger.head() })),
        ),
      ),
    ).toBe('BAD_SIGNATURE')
    const old = saying(s => ({ cosignature: { ...s.cosignature, time: s.cosignature.time + 1 } }))
    expect(await codeOf(() => compareWithWitness(patient, old))).toBe('BAD_PROOF')
    const impostor = { ...witness, info: () => witnessOf('w.test', w.random(32)) }
    expect(await codeOf(() => compareWithWitness(patient, impostor))).toBe('UNVERIFIED')
  })
})

describe('T16: what a vault found can be proven to everybody', () => {
  const proofIn = (problems: readonly { readonly evidence?: Evidence }[]): Evidence => problems.find(p => p.evidence)!.evidence!

  test('a history rewritten since this device last looked, by the two heads it was shown', async () => {
    await honest.anchor()
    await file()
    await verifyTrail(patient)
    lie = await history(9)
    const { problems } = await verifyTrail(patient)
    const { by } = await reportProof(patient, { evidence: proofIn(problems) })
    expect(by).toBe(SECOND)
    expect(await forked()).toBe(true)
  })

  test('a history other than the anchored one, by a device that never looked before', async () => {
    await honest.anchor()
    lie = await history(9)
    const { problems } = await verifyTrail(fresh())
    expect(problems.map(p => p.message)).toContain('The relay’s log is not the one it anchored on the ledger.')
    await reportProof(patient, { evidence: proofIn(problems), witnesses: [witness] })
    expect(await forked()).toBe(true)
  })

  test('the accused relay is asked last, and a false claim is brought by nobody', async () => {
    await honest.anchor()
    await verifyTrail(patient)
    lie = await history(9)
    const evidence = proofIn((await verifyTrail(patient)).problems)
    lie = {}
    const claim: Evidence = evidence.kind === 'fork' ? { ...evidence, b: evidence.a } : { ...evidence, otherRoot: evidence.older.head.root }
    expect(await codeOf(() => reportProof(patient, { evidence: claim, witnesses: [witness] }))).toBe('BAD_PROOF')
    expect(await forked()).toBe(false)
    w.homes.delete(SECOND)
    expect((await reportProof(patient, { evidence })).by).toBe(HOME)
    expect(await forked()).toBe(true)
  })
})
