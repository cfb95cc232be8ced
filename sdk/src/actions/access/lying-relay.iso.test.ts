import { beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed } from '#actions/records/secrets'
import { submitRecords } from '#actions/records/submit-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { callRelay, findParty, makeCall, ownBundle, trustBundle } from '#actions/vault/calls'
import { changeRing, refreshRing } from '#actions/vault/change-ring'
import { makeBundle } from '#actions/vault/create-vault'
import { type ReceiptMessage, readReceipt } from '#audit/receipt'
import { concat } from '#base/bytes'
import { codeOf } from '#base/code.kit'
import { kemKeyPair } from '#crypto/kem'
import { secpAddress } from '#crypto/secp'
import { bundleMessage, encodeBundle } from '#identity/bundle'
import { headMessage } from '#identity/head'
import { peek, sign, signedHash } from '#identity/signed'
import { memoryCatalog } from '#memory/catalog'
import { memoryLog } from '#memory/log'
import { memoryRelay } from '#memory/relay'
import type { EnvelopeStore } from '#ports/envelopes'
import type { Relay } from '#ports/relay'
import { writeReceipt } from '#relay/receipts'
import { createRelay, type Upkeep } from '#relay/relay'
import type { Answer, Body } from '#wire/methods'
import { ask } from './ask.ts'
import { describesCall } from './check-receipt.ts'
import { grant } from './grant.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { openSession, type ReadingSession } from './open-session.ts'
import { receiveMessages } from './receive-messages.ts'
import { verifyTrail } from './verify-trail.ts'

const HOME = 'http://patient.test'
const SECOND = 'http://second.test'
const DAY = 86_400

let w: World
let patient: Ctx
let clinic: Ctx
let session: ReadingSession
let honest: Relay & Upkeep

let lie: Partial<Relay> = {}

/** The patient's relay gives some answers of its own making, for as long as `work` runs. */
async function lying<T>(answers: Partial<Relay>, work: () => Promise<T>): Promise<T> {
  lie = answers
  try {
    return await work()
  } finally {
    lie = {}
  }
}

/** Another relay stands where the patient's was. */
async function replaced<T>(relay: Relay & Upkeep, work: () => Promise<T>): Promise<T> {
  const home = w.homes.get(HOME)!
  w.homes.set(HOME, { ...home, relay })
  try {
    return await work()
  } finally {
    w.homes.set(HOME, home)
  }
}

type Call = Relay['call']
const altering = <M extends Parameters<Call>[0]>(method: M, alter: (answer: Answer<M>) => unknown): Partial<Relay> => ({
  call: (async (m: Parameters<Call>[0], c: Parameters<Call>[1]) => {
    const answer = await honest.call(m, c)
    return m === method ? alter(answer as Answer<M>) : answer
  }) as Call,
})

const codesOf = async (ctx: Ctx = patient): Promise<string[]> => (await verifyTrail(ctx)).problems.map(p => p.code)
const fresh = (): Ctx => ({ ...patient, catalog: memoryCatalog() })

beforeAll(async () => {
  w = await world([HOME, SECOND])
  const home = w.homes.get(HOME)!
  honest = home.relay
  w.homes.set(HOME, { ...home, relay: new Proxy(honest, { get: (target, key) => Reflect.get(lie, key) ?? Reflect.get(target, key) }) })
  patient = await person(w, 'Ada Example', HOME)
  clinic = await person(w, 'Clinic West', SECOND)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  const bundle = await makeBundle(
    patient,
    {
      did: patient.session.state.ring.did,
      version: 2,
      prev: signedHash(ownBundle(patient.session.state.ring).signed),
      relays: [HOME, SECOND],
      manifest: peek(ownBundle(patient.session.state.ring).signed, bundleMessage).manifest,
    },
    patient.session.state.ring,
  )
  const ring = { ...patient.session.state.ring, bundle: encodeBundle(bundle) }
  const next = { ...patient, session: { ...patient.session, state: { ...patient.session.state, ring } } }
  for (const url of [HOME, SECOND]) await callRelay(next, await w.network.relay(url), 'enroll', { bundle })
  await changeRing(patient, r => ({ ...r, bundle: encodeBundle(bundle) }))
  await fileRecords(patient, [draft(patient, 'laboratory', 'one'), draft(patient, 'laboratory', 'two')])
  const lab = compartmentNamed(patient.session.state.ring, 'laboratory').id
  const to = clinic.session.state.ring.did
  await grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments: [lab], expiry: w.now + 90 * DAY })
  await receiveMessages(clinic)
  session = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT', person: 'Dr. Test' })
  await session.open([session.records[0]!.id])
})

describe('T16: a relay that lies about the trail', () => {
  test('an honest trail has no problems, and the copies at the second relay match and are done with', async () => {
    expect(await codesOf()).toEqual([])
    expect(await w.homes.get(SECOND)!.context.envelopes.read(patient.session.state.ring.did, r => r.count('copy'))).toBe(0)
  })

  test('an honest relay that grows and anchors between two questions is not accused', async () => {
    let between = 0
    const busy: Partial<Relay> = {
      async head() {
        const shown = await honest.head()
        if (between++ === 0) {
          await fileRecords(fresh(), [draft(patient, 'general', 'while somebody looks')])
          await honest.anchor()
        }
        return shown
      },
    }
    expect(await lying(busy, () => codesOf(fresh()))).toEqual([])
    expect(between).toBeGreaterThan(0)
  })

  test('skips, swaps or forges a receipt', async () => {
    const list = (alter: (r: Answer<'receipts'>['receipts']) => unknown) =>
      lying(
        altering('receipts', a => ({ ...a, receipts: alter(a.receipts) })),
        () => codesOf(fresh()),
      )
    expect(await list(r => r.filter(x => x.sealed.seq !== 2))).toContain('OMISSION')
    expect(await list(r => r.slice(1))).toContain('OMISSION')
    expect(await list(r => (r.length > 1 ? [r[1], r[0], ...r.slice(2)] : r))).toContain('OMISSION')
    expect(await list(r => r.map((x, i) => (i === 1 ? { ...x, sealed: { ...x.sealed, sealed: r[0]!.sealed.sealed } } : x)))).toContain(
      'OPEN_FAILED',
    )
    expect(await list(r => r.map((x, i) => (i === 1 ? { ...x, path: r[0]!.path } : x)))).toContain('BAD_PROOF')
    expect(await list(r => r.map((x, i) => (i === 1 ? { ...x, sealed: { ...x.sealed, hash: new Uint8Array(32) } } : x)))).toContain(
      'OPEN_FAILED',
    )
  })

  test('shows the same page for ever', async () => {
    const first = await honest.call('receipts', await callFor(patient, 'receipts', { after: 0, limit: 2 }))
    expect(
      await lying(
        altering('receipts', a => ({ ...first, last: a.last })),
        () => codesOf(fresh()),
      ),
    ).toContain('OMISSION')
  })

  test('cuts the newest receipts off, after they were seen', async () => {
    await verifyTrail(patient)
    const cut = altering('receipts', a => ({ ...a, last: 1, receipts: a.receipts.filter(r => r.sealed.seq === 1) }))
    expect(await lying(cut, () => codesOf())).toContain('OMISSION')
  })

  test('answers under a new name with an empty history', async () => {
    await verifyTrail(patient)
    const other = await memoryRelay({ clock: w.clock, random: w.random, url: HOME, ledger: w.homes.get(HOME)!.ledger })
    expect(await replaced(other.relay, () => codesOf())).toContain('FORKED')
  })

  test('keeps a second log: seen by who saw the first, and by anyone once a head is anchored', async () => {
    const who = fresh()
    await verifyTrail(who)
    const { context } = w.homes.get(HOME)!
    const log = memoryLog()
    for (let i = 0; i < 40; i++) await log.append([w.random(32)])
    const forked = createRelay({ ...context, log })
    const lie: Partial<Relay> = { head: forked.head, consistency: forked.consistency }
    const told = await lying(lie, () => verifyTrail(who))
    expect(told.problems.map(p => p.code)).toContain('FORKED')
    expect(told.unbroken).toBeNull()
    await honest.anchor()
    expect(await lying(lie, () => codesOf(fresh()))).toContain('FORKED')
    expect(await codesOf()).toEqual([])
    // It signed both, so what was proven once stays so, with its proof, however good the relay shows itself from then on.
    for (const later of [await verifyTrail(who), await verifyTrail(who)]) {
      expect(later.problems.map(p => [p.code, p.evidence?.kind])).toEqual([['FORKED', 'rewrite']])
      expect(later.unbroken).toBeNull()
    }
  })
})

describe('T33: a relay that skips the receipt', () => {
  /** The same relay, whose writes into the patient's trail never happened. */
  function skipping(): Relay {
    const { context } = w.homes.get(HOME)!
    const { envelopes } = context
    const forgetful: EnvelopeStore = {
      ...envelopes,
      transact: (vault, work) =>
        vault === patient.session.state.ring.did
          ? envelopes.read(vault, rows => work({ ...rows, put: async () => {}, delete: async () => {} }))
          : envelopes.transact(vault, work),
    }
    return createRelay({ ...context, envelopes: forgetful, log: memoryLog() })
  }

  test('is proven by the copy that an honest reader left at the second relay', async () => {
    await lying(skipping(), async () => {
      const opened = await session.open([session.records[1]!.id])
      expect(opened).toHaveLength(1)
    })
    const { problems } = await verifyTrail(patient)
    expect(problems.map(p => p.code)).toEqual(['OMISSION'])
    expect(problems[0]!.message).toContain('A reader holds receipt')
    expect((await verifyTrail(patient)).problems).toHaveLength(1)
    const { context } = w.homes.get(SECOND)!
    await context.envelopes.transact(patient.session.state.ring.did, async r => {
      await r.delete(
        'copy',
        (await r.scan('copy', { limit: 99 })).map(x => x.key),
      )
    })
  })

  test('a copy that nobody can open, or of another relay, is no accusation and is cleared away', async () => {
    const second = await w.network.relay(SECOND)
    await callRelay(clinic, second, 'put-copy', { vault: patient.session.state.ring.did, copy: w.random(200) })
    expect(await codesOf()).toEqual([])
    expect(await w.homes.get(SECOND)!.context.envelopes.read(patient.session.state.ring.did, r => r.count('copy'))).toBe(0)
  })

  test('with the second relay out of reach a reader is not kept from reading', async () => {
    const second = w.homes.get(SECOND)!
    const clinicWithout: Ctx = {
      ...clinic,
      network: { ...w.network, relay: async url => (url === SECOND ? unreachable(second.relay) : w.network.relay(url)) },
    }
    const reading = await openSession(clinicWithout, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT' })
    expect(await reading.open([reading.records[0]!.id])).toHaveLength(1)
  })
})

function unreachable(relay: Relay): Relay {
  return {
    ...relay,
    call: (async (m: Parameters<Call>[0], c: Parameters<Call>[1]) => {
      if (m === 'put-copy') throw Object.assign(new (await import('#base/error')).KeepwellError('RELAY_UNREACHABLE', 'No.'))
      return relay.call(m, c)
    }) as Call,
  }
}

async function callFor<M extends Parameters<Call>[0]>(ctx: Ctx, method: M, body: Body<M>) {
  const { makeCall } = await import('#actions/vault/calls')
  return makeCall(ctx, honest, method, body)
}

describe('a relay that lies to a reader', () => {
  const one = () => session.open([session.records[0]!.id])

  test('a receipt for another request, without proof, or that says something else opens nothing', async () => {
    const old = await honest.call('access', await callFor(clinic, 'access', bodyOf('list')))
    expect(
      await lying(
        altering('access', a => ({ ...a, receipt: old.receipt, inclusion: old.inclusion })),
        () => codeOf(one),
      ),
    ).toBe('NO_RECEIPT')
    expect(
      await lying(
        altering('access', a => ({ ...a, inclusion: old.inclusion })),
        () => codeOf(one),
      ),
    ).toBe('BAD_PROOF')
    const { keys } = w.homes.get(HOME)!.context
    const resigned = altering('access', async a => {
      const message = { ...readReceipt(a.receipt.signed), action: 'list', ids: [] }
      return { ...a, receipt: { ...a.receipt, signed: await sign(keys, 'receipt', message) } }
    })
    expect(await lying(resigned, () => codeOf(one))).toBe('NO_RECEIPT')
  })

  test('a record that was not asked for is not opened', async () => {
    const both = await honest.call(
      'access',
      await callFor(
        clinic,
        'access',
        bodyOf(
          'open',
          session.records.map(r => r.id),
        ),
      ),
    )
    expect(
      await lying(
        altering('access', a => ({ ...a, groups: both.groups, capability: both.capability })),
        () => codeOf(one),
      ),
    ).toBe('NO_RECEIPT')
  })

  test('an envelope or key of another record, another card or leaf is refused', async () => {
    const both = await honest.call(
      'access',
      await callFor(
        clinic,
        'access',
        bodyOf(
          'open',
          session.records.map(r => r.id),
        ),
      ),
    )
    const [a, b] = both.groups.flatMap(g => g.items)
    const mix = (change: object) =>
      lying(
        altering('access', x => ({ ...x, capability: both.capability, groups: [{ ...both.groups[0]!, items: [{ ...a!, ...change }] }] })),
        () => codeOf(() => reader.open([a!.id])),
      )
    let reader = session
    expect(await mix({})).toBe('no error')
    for (const change of [{ key: b!.key }, { cid: b!.cid }, { leaf: b!.leaf }]) expect(await mix(change)).toBe('OPEN_FAILED')
    // A card that was listed stands, whatever comes with the key.
    expect(await mix({ card: b!.card })).toBe('no error')
    reader = await openSession(clinic, { grant: session.grant.grant.commitment, purpose: 'TREAT', since: null })
    expect(await mix({})).toBe('no error')
    for (const change of [{ key: b!.key }, { cid: b!.cid }, { leaf: b!.leaf }, { card: b!.card }])
      expect(await mix(change)).toBe('OPEN_FAILED')
    const swapped = await lying(
      altering('access', x => ({ ...x, groups: [{ ...both.groups[0]!, epoch: both.groups[0]!.epoch + 1, items: [a!] }] })),
      () => codeOf(() => session.open([a!.id])),
    )
    expect(swapped).toBe('OPEN_FAILED')
    expect(
      await lying(
        altering('access', x => ({ ...x, groups: [{ ...both.groups[0]!, suite: 'kw0', items: [a!] }] })),
        () => codeOf(() => session.open([a!.id])),
      ),
    ).toBe('UNKNOWN_SUITE')
  })

  test('blocks that are not what their address says are refused', async () => {
    const lie: Partial<Relay> = {
      async *getBlocks(_c, cids) {
        for (const cid of cids) yield { cid, bytes: w.random(64) }
      },
    }
    expect(await lying(lie, () => codeOf(one))).toBe('BAD_CID')
    const none: Partial<Relay> = { async *getBlocks() {} }
    expect(await lying(none, () => codeOf(one))).toBe('NOT_FOUND')
  })

  test('a listing that goes in circles ends', async () => {
    const loop = altering('access', a => ({ ...a, next: 1 }))
    const commitment = receivedGrants(clinic)[0]!.grant.commitment
    expect(await lying(loop, () => codeOf(() => openSession(clinic, { grant: commitment, purpose: 'TREAT' })))).toBe('OMISSION')
    expect(await lying(loop, () => codeOf(() => receiveRecords(fresh())))).toBe('OMISSION')
    const again = await lying(
      altering('take-messages', () => ({ messages: [] })),
      () => receiveMessages(patient),
    )
    expect(again).toEqual([])
  })

  test('a mailbox that shows a message again and again is left', async () => {
    await grantAgain()
    const { messages } = await w.homes.get(SECOND)!.relay.call('take-messages', await callAt(clinic, SECOND, { done: [] }))
    expect(messages).toHaveLength(1)
    const home = w.homes.get(SECOND)!
    const stuck = {
      ...home.relay,
      call: (async (m: Parameters<Call>[0], c: Parameters<Call>[1]) =>
        m === 'take-messages' ? { messages } : home.relay.call(m, c)) as Call,
    }
    w.homes.set(SECOND, { ...home, relay: stuck as typeof home.relay })
    const arrivals = await receiveMessages(clinic)
    w.homes.set(SECOND, home)
    expect(arrivals.map(a => a.kind)).toEqual(['grant'])
  })
})

describe('a relay that lies to a writer', () => {
  test('keys of its own for a compartment, or those of another compartment, get nothing sealed to them', async () => {
    const [lab, general] = ['laboratory', 'general'].map(name => compartmentNamed(patient.session.state.ring, name).id)
    const to = patient.session.state.ring.did
    await grant(patient, {
      ...{ to: clinic.session.state.ring.did, level: 'write', purposes: ['TREAT'], compartments: [lab!], expiry: w.now + DAY },
    })
    await receiveMessages(clinic)
    const write = () => {
      const { compartment: _own, ...rest } = draft(patient, 'laboratory', 'written')
      return submitRecords(clinic, { to, purpose: 'TREAT', drafts: [{ ...rest, compartmentName: 'laboratory' }] })
    }
    const page = (await honest.page(to, lab!))!
    const own = (await kemKeyPair(w.random(32))).public
    const sent: string[] = []
    const shows = (shown: Uint8Array): Partial<Relay> => ({
      page: async () => shown,
      putBlocks: async () => void sent.push('blocks'),
    })
    const pages = [
      concat(...Array.from({ length: page.length / own.length }, () => own)),
      (await honest.page(to, general!))!,
      page.slice(1),
    ]
    for (const shown of pages) expect(await lying(shows(shown), () => codeOf(write))).toBe('BAD_PROOF')
    expect(sent).toEqual([])
    expect(await codeOf(write)).toBe('no error')
  })
})

const bodyOf = (action: 'list' | 'open', ids?: readonly Uint8Array[]): Body<'access'> => ({
  vault: patient.session.state.ring.did,
  action,
  terms: receivedGrants(clinic)[0]!.grant.terms,
  selection: ids ? { ids: [...ids] } : {},
  purpose: 'TREAT',
})
async function callAt(ctx: Ctx, url: string, body: Body<'take-messages'>) {
  const { makeCall } = await import('#actions/vault/calls')
  return makeCall(ctx, await w.network.relay(url), 'take-messages', body)
}
async function grantAgain() {
  const lab = compartmentNamed(patient.session.state.ring, 'laboratory').id
  const to = clinic.session.state.ring.did
  return grant(patient, { to, level: 'read', purposes: ['HRESCH'], compartments: [lab], expiry: w.now + 3 * DAY })
}

describe('a receipt must say what its request asked', () => {
  test('every other action, purpose, person, id, grant, vault, relay, time or verdict is refused', async () => {
    const answer = await ask(clinic, honest, bodyOf('open', [session.records[0]!.id]))
    const message = readReceipt(answer.receipt.signed)
    const { call } = answer.receipt
    expect(describesCall(message, call)).toBe(true)
    const { grant: _none, ...noGrant } = message
    const lies: ReceiptMessage[] = [
      { ...message, action: 'list' },
      { ...message, action: 'create' },
      { ...message, action: 'deny' },
      { ...message, verdict: 'denied' },
      { ...message, purpose: 'HRESCH' },
      { ...message, person: 'Somebody else' },
      { ...message, role: 'nurse' },
      { ...message, ids: [] },
      { ...message, ids: [w.random(16)] },
      { ...message, grant: w.random(32) },
      noGrant,
      { ...message, vault: clinic.session.state.ring.did },
      { ...message, relay: clinic.session.state.ring.did },
      { ...message, actor: patient.session.state.ring.did },
      { ...message, nonce: w.random(16) },
      { ...message, request: w.random(32) },
      { ...message, time: message.time + 3600 },
    ]
    for (const lie of lies) expect(describesCall(lie, call)).toBe(false)
    expect(describesCall(message, { ...call, method: 'get-state' })).toBe(false)
    const { body: _body, ...bare } = call
    expect(describesCall(message, bare)).toBe(false)
  })
})

describe('a relay that lies about the vault', () => {
  test('a head that the vault did not sign, or another one of the same version, is refused', async () => {
    const before = await callRelay(patient, honest, 'get-state', {})
    const device: Ctx = { ...patient, session: { ...patient.session, state: { ...patient.session.state } } }
    await changeRing(patient, r => r)
    const now = await callRelay(patient, honest, 'get-state', {})
    const message = peek(now.head!, headMessage)
    const forged = await sign(w.homes.get(HOME)!.context.keys, 'head', { ...message, writes: message.writes + 7 })
    expect(await codeOf(() => refreshRing(device, { ...now, head: { ...forged, signer: patient.session.state.ring.did } }))).toBe(
      'BAD_SIGNATURE',
    )
    expect(await codeOf(() => refreshRing(device, { ...now, head: { ...now.head!, message: forged.message } }))).toBe('BAD_SIGNATURE')
    expect(await codeOf(() => refreshRing(device, { ...now, head: before.head }))).toBe('HEAD_ROLLBACK')
    expect(await codeOf(() => refreshRing(patient, before))).toBe('HEAD_ROLLBACK')
    const { ring } = patient.session.state
    const signer = { did: ring.did, version: 2, signing: ring.signing }
    const fork = await sign(signer, 'head', { ...message, at: message.at + 1 })
    expect(await codeOf(() => refreshRing(patient, { ...now, head: fork }))).toBe('FORKED')
    const elsewhere = await sign(signer, 'head', { ...message, prev: w.random(32) })
    expect(await codeOf(() => refreshRing(device, { ...now, head: elsewhere }))).toBe('FORKED')
    expect(await refreshRing(device, now)).toBe(true)
  })
})

describe('a forged identity', () => {
  test('a bundle that brings its own ledger to vouch for it is not believed', async () => {
    const EVIL = 'http://evil.test'
    const honestRing = clinic.session.state.ring
    const thief = {
      controller: w.random(32),
      request: w.random(32),
      signing: { ed25519: w.random(32), mldsa65: w.random(32) },
      inbox: w.random(32),
    }
    const ledger = w.homes.get(SECOND)!.ledger
    const owner = secpAddress(thief.controller)
    const fake = { ...ledger, chainId: ledger.chainId, identities: { ...ledger.identities, owner: async () => owner } }
    const network = {
      relay: w.network.relay,
      ledger: async (url: string) =>
        url === EVIL ? fake : { ...(await w.network.ledger(url)), chainId: url === SECOND ? ledger.chainId : 1 },
    }
    const facts = { did: honestRing.did, relays: [EVIL], manifest: ledger.manifest }
    const prev = signedHash(ownBundle(honestRing).signed)
    for (const [version, before] of [
      [1, null],
      [2, prev],
    ] as const) {
      const forged = await makeBundle(patient, { ...facts, version, prev: before }, thief)
      expect(await codeOf(() => trustBundle({ ...patient, network }, forged))).toBe('BAD_SIGNATURE')
      expect(await codeOf(() => trustBundle({ network }, forged))).toBe('BAD_SIGNATURE')
    }
    expect((await trustBundle({ ...patient, network }, ownBundle(honestRing))).did).toBe(honestRing.did)
  })

  test('a contact’s bundle never goes back, nor forks, and one bad relay does not hide the good one', async () => {
    const { ring } = clinic.session.state
    const facts = peek(ownBundle(ring).signed, bundleMessage)
    const again = await makeBundle({ clock: () => w.now + 5 }, { ...facts }, ring)
    expect(await codeOf(() => trustBundle(patient, again))).toBe('BAD_SIGNATURE')
    const bad: Relay = { ...honest, bundle: async () => again }
    const network = { ...w.network, relay: async (url: string) => (url === HOME ? bad : w.network.relay(url)) }
    expect((await findParty({ ...patient, network }, ring.did))?.version).toBe(1)
  })
})

describe('T16: a relay that has one request stand for two openings', () => {
  test('is found by the request, though both receipts are signed, numbered and in its log', async () => {
    const { context } = w.homes.get(HOME)!
    const vault = patient.session.state.ring.did
    const given = receivedGrants(clinic)[0]!
    const body = { vault, terms: given.grant.terms, action: 'list', selection: { limit: 10 }, purpose: 'TREAT' } as const
    const call = await makeCall(clinic, await clinic.network.relay(HOME), 'access', body)
    await honest.call('access', call)
    expect(await codesOf(fresh())).not.toContain('REPLAYED')
    // Its own book of used requests keeps it from nothing.
    await context.envelopes.transact(vault, async rows => {
      const used = await rows.scan('nonce', { limit: 10_000 })
      await rows.delete(
        'nonce',
        used.map(r => r.key),
      )
    })
    const seen = { compartments: [], ids: [], purpose: 'TREAT', verdict: 'allowed', reasons: [] } as const
    await writeReceipt(context, { vault, call, action: 'list', grant: given.grant.commitment, ...seen })
    expect(await codesOf(fresh())).toContain('REPLAYED')
  })
})

describe('a log', () => {
  test('of an honest one is said since when it only grew, from how many entries, and where the ledger took it', async () => {
    const who = fresh()
    const { unbroken, logSize } = await verifyTrail(who)
    expect(unbroken).toEqual({ since: w.now, from: logSize })
    w.now += DAY
    await fileRecords(fresh(), [draft(patient, 'general', 'later')])
    await honest.anchor()
    const later = await verifyTrail(who)
    expect(later.logSize).toBeGreaterThan(logSize)
    expect(later.unbroken).toEqual(unbroken)
    const { written, size } = later.anchored!
    const taken = (await w.homes.get(HOME)!.ledger.since(written!.block - 1)).find(e => e.tx === written!.tx)
    expect([taken?.name, taken?.args.size, taken?.block]).toEqual(['HeadPublished', size, written!.block])
  })
})
