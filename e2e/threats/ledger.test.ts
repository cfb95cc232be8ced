import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { invite, join } from '@keepwell/sdk/actions/access/invite'
import { openSession } from '@keepwell/sdk/actions/access/open-session'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { attestMilestone, mintMilestone } from '@keepwell/sdk/actions/records/mint-milestone'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { compartmentNamed, grantedSecret } from '@keepwell/sdk/actions/records/secrets'
import { submitRecords } from '@keepwell/sdk/actions/records/submit-records'
import { draft, person, type World, world } from '@keepwell/sdk/actions/story.kit'
import { concat, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { parseDid } from '@keepwell/sdk/identity/did'
import type { Ledger, LedgerEvent } from '@keepwell/sdk/ports/ledger'
import { beforeAll, describe, expect, test } from 'vitest'

const HOME = 'http://patient.test'
const CLINIC = 'http://clinic.test'
const DAY = 86_400

/** Whatever is health data, or names a person or place of care, in the story below. */
const MARKERS = [
  'Zebrafish-Glucose',
  'ZX-4711-CODE',
  'Quokka body text',
  'Ada Wombat-Example',
  'Clinic Narwhal',
  'Dr. Okapi',
  'mental-health',
  'laboratory',
]

let w: World
let patient: Ctx & { words: string }
let clinic: Ctx & { words: string }
let first: Uint8Array
let second: Uint8Array
const ledgerCalls: { facet: string; method: string; args: unknown }[] = []
const errors: string[] = []

const code = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work()
  } catch (e) {
    errors.push(String(e), String((e as Error).stack))
    return isKeepwellError(e) ? e.code : String(e)
  }
  return 'no error'
}

/** Every value written to a ledger, in calls as well as in events. */
function recorded(ledger: Ledger): Ledger {
  const facet = (name: string, target: object): object =>
    new Proxy(target, {
      get: (t, key) => {
        const value: unknown = Reflect.get(t, key)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          ledgerCalls.push({ facet: name, method: String(key), args })
          return value.apply(t, args)
        }
      },
    })
  const names = ['identities', 'consents', 'anchors', 'trail', 'tokens', 'credentials'] as const
  return { ...ledger, ...Object.fromEntries(names.map(n => [n, facet(n, ledger[n])])) }
}

/** Bytes that stand for a value wherever it may turn up: as text, and as bytes in hex. */
const flat = (value: unknown): string =>
  JSON.stringify(value, (_k, v: unknown) => {
    if (v instanceof Uint8Array) return toHex(v)
    return typeof v === 'bigint' ? String(v) : v
  }).toLowerCase()

const BODY = utf8(JSON.stringify({ resourceType: 'Observation', note: 'Quokka body text', code: 'ZX-4711-CODE' }))

beforeAll(async () => {
  w = await world([HOME, CLINIC], 'threats')
  for (const [url, home] of w.homes) {
    const ledger = recorded(home.ledger)
    Object.assign(home.context, { ledger })
    w.homes.set(url, { ...home, ledger })
  }
  patient = await person(w, 'Ada Wombat-Example', HOME)
  clinic = await person(w, 'Clinic Narwhal', CLINIC)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  const make = () => {
    const d = draft(patient, 'laboratory', 'Zebrafish-Glucose', BODY)
    return { ...d, facts: { ...d.facts, codes: [{ code: 'ZX-4711-CODE' }] } }
  }
  const [a, b] = await fileRecords(patient, [make(), make()])
  first = a!.id
  second = b!.id
  await fileRecords(patient, [draft(patient, 'mental-health', 'Zebrafish-Glucose', BODY)])
  const to = clinic.session.state.ring.did
  const lab = compartmentNamed(patient.session.state.ring, 'laboratory').id
  const purposes = ['TREAT'] as const
  const read = await grant(patient, { to, level: 'read', purposes, compartments: [lab], expiry: w.now + 90 * DAY })
  await grant(patient, { to, level: 'write', purposes, compartments: [lab], expiry: w.now + 90 * DAY })
  await receiveMessages(clinic)
  const session = await openSession(clinic, { grant: read.commitment, purpose: 'TREAT', person: 'Dr. Okapi' })
  await session.open([first])
  const { compartment: _c, ...rest } = make()
  await submitRecords(clinic, {
    to: patient.session.state.ring.did,
    purpose: 'TREAT',
    drafts: [{ ...rest, id: w.random(16), compartmentName: 'laboratory' }],
  })
  const home = w.homes.get(HOME)!
  await home.relay.anchor()
  await confirmAnchors(patient, await listEntries(patient))
  const shot = await attestMilestone(patient, a!, 'Vaccination')
  await home.relay.anchor()
  await mintMilestone(patient, shot, {
    recordType: 'Vaccination',
    provider: 'Clinic Narwhal',
    timestamp: w.now,
    verificationProof: { record: a!.id, leaf: a!.leaf },
  })
  await revoke(patient, read.commitment)
  errors.push(await code(() => openSession(clinic, { grant: read.commitment, purpose: 'TREAT' })))
  errors.push(await code(() => session.open([second])))
  errors.push(await code(() => fileRecords(patient, [{ ...make(), id: first }])))
  await home.relay.anchor()
})

const writes = (): { contract: string; text: string }[] => {
  const registry = new Set(['identities'])
  const reading = new Set(['owner', 'nonce', 'attribute', 'slot', 'of', 'latest', 'ownerOf', 'status'])
  return ledgerCalls
    .filter(c => !reading.has(c.method))
    .map(c => ({ contract: registry.has(c.facet) ? 'PatientRegistry' : c.facet, text: flat(c.args) }))
}

describe('T01', () => {
  test('no DID, address of a party, compartment or record id is written to the ledger but in its own registry entries', async () => {
    const known: string[] = []
    for (const ctx of [patient, clinic]) {
      const { ring } = ctx.session.state
      known.push(ring.did, parseDid(ring.did).address.slice(2), toHex(sha256(utf8(ring.did))))
      known.push(...ring.compartments.map(c => toHex(c.id)))
    }
    known.push(...(await listEntries(patient)).flatMap(e => [toHex(e.id), toHex(e.cid), toHex(e.cid.subarray(4))]))
    const events: LedgerEvent[] = []
    for (const home of w.homes.values()) events.push(...(await home.ledger.since(0)))
    const seen = [
      ...writes()
        .filter(x => x.contract !== 'PatientRegistry')
        .map(x => x.text),
      ...events.filter(e => !e.contract.startsWith('PatientRegistry')).map(e => flat(e.args)),
    ]
    expect(seen.length).toBeGreaterThan(10)
    for (const text of seen) for (const k of known) expect(text.includes(k.toLowerCase())).toBe(false)
  })

  test('a consent’s holder is used once, and no two share a key, salt or commitment', () => {
    const grants = ledgerCalls
      .filter(c => c.facet === 'consents' && c.method === 'grant')
      .map(c => (c.args as [{ holder: string; commitment: Uint8Array }])[0])
    expect(grants.length).toBeGreaterThanOrEqual(2)
    expect(new Set(grants.map(g => g.holder)).size).toBe(grants.length)
    expect(new Set(grants.map(g => toHex(g.commitment))).size).toBe(grants.length)
  })
})

describe('T03', () => {
  test('a dictionary of everything that is known in clear finds no leaf, root, digest or commitment', async () => {
    const words = [
      ...MARKERS,
      patient.session.state.ring.did,
      clinic.session.state.ring.did,
      'read',
      'write',
      'TREAT',
      'Vaccination',
      'Observation',
    ]
    const parts = [...words.map(utf8), BODY, encode({ title: 'Zebrafish-Glucose' }), first, second]
    const guesses = new Set<string>()
    for (const a of parts) {
      guesses.add(toHex(sha256(a)))
      guesses.add(toHex(sha256(concat(Uint8Array.of(0), a))))
      for (const b of parts) {
        guesses.add(toHex(sha256(concat(a, b))))
        guesses.add(toHex(sha256(concat(Uint8Array.of(0), a, b))))
      }
    }
    const leaves = (await listEntries(patient)).map(e => toHex(e.leaf))
    const hashes = [...writes().flatMap(x => x.text.match(/[0-9a-f]{64}/g) ?? []), ...leaves]
    expect(hashes.length).toBeGreaterThan(10)
    for (const h of hashes) expect(guesses.has(h)).toBe(false)
  })
})

describe('T04', () => {
  test('the same record twice gives different addresses, leaves, sealed cards and blocks', async () => {
    const [a, b] = (await listEntries(patient)).filter(e => [toHex(first), toHex(second)].includes(toHex(e.id)))
    expect(a!.card.canonical).toEqual(b!.card.canonical)
    for (const k of ['cid', 'leaf', 'hash'] as const) expect(toHex(a![k])).not.toBe(toHex(b![k]))
    expect(toHex(a!.card.salt)).not.toBe(toHex(b!.card.salt))
  })
})

describe('T06', () => {
  test('after a revocation the reader is refused at once, and none of its nodes opens what comes later', async () => {
    const [entry] = await fileRecords(patient, [draft(patient, 'laboratory', 'later')])
    for (const g of receivedGrants(clinic))
      for (let epoch = entry!.epoch - 2; epoch <= entry!.epoch + 60; epoch++)
        expect(grantedSecret(g.package.nodes, { ...entry!, epoch })).toBeNull()
    expect(errors.filter(e => e === 'DENIED')).toHaveLength(2)
  })
})

describe('T31: what the operator of a relay holds', () => {
  test('none of the plaintext is in its rows, blocks, log, shred keys or in any error', async () => {
    const secrets = MARKERS.flatMap(m => [m.toLowerCase(), toHex(utf8(m))])
    const { ring } = patient.session.state
    const keys = [
      ring.signing.ed25519,
      ring.inbox,
      ring.request,
      ring.controller,
      ...ring.compartments.flatMap(c => c.roots.map(r => r.root)),
    ]
    const everything: string[] = [...errors]
    for (const home of w.homes.values()) {
      const { envelopes, blocks, log } = home.context
      for (const vault of new Set((await Promise.all(KINDS.map(k => envelopes.vaults(k)))).flat()))
        for (const kind of KINDS)
          for (const row of await envelopes.read(vault, r => r.scan(kind, { limit: 4096 })))
            everything.push(vault, toHex(row.key), toHex(row.value))
      for (const e of await listEntries(patient)) {
        const { payloadCid } = await import('@keepwell/sdk/records/envelope')
        const block = await blocks.get(payloadCid(e))
        if (block) everything.push(toHex(block))
      }
      for (let i = 0; i < (await log.size()); i++) everything.push(toHex((await log.node(0, i))!))
    }
    expect(everything.length).toBeGreaterThan(100)
    for (const text of everything) {
      for (const s of secrets) expect(text.toLowerCase().includes(s)).toBe(false)
      for (const k of keys) expect(text.includes(toHex(k))).toBe(false)
    }
  })

  test('after erasing, neither the record’s sealed key nor its card is in any row, receipts included', async () => {
    const { envelopes } = w.homes.get(HOME)!.context
    const { ring } = patient.session.state
    const { callRelay } = await import('@keepwell/sdk/actions/vault/calls')
    const relay = await w.network.relay(HOME)
    await receiveRecords(patient)
    const ids = (await listEntries(patient)).map(e => e.id)
    const { groups } = await callRelay(patient, relay, 'access', { vault: ring.did, action: 'open', selection: { ids }, purpose: 'PATRQT' })
    const items = groups.flatMap(g => g.items)
    expect(items.length).toBe(ids.length)
    await eraseRecords(patient, ids)
    const rows: string[] = []
    for (const kind of KINDS) for (const r of await envelopes.read(ring.did, x => x.scan(kind, { limit: 4096 }))) rows.push(toHex(r.value))
    for (const i of items) for (const secret of [i.key!, i.card!]) for (const row of rows) expect(row.includes(toHex(secret))).toBe(false)
    expect(await envelopes.read(ring.did, x => x.count('env'))).toBe(0)
  })
})

const KINDS = [
  'bundle',
  'state',
  'page',
  'counter',
  'group',
  'env',
  'seq',
  'id',
  'bucket',
  'doomed',
  'tomb',
  'grave',
  'unanchored',
  'anchor',
  'rcpt',
  'revoked',
  'nonce',
  'msg',
  'copy',
  'lookup',
  'own',
  'payload',
]
