import { beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { forge as forged } from '#actions/forge.kit'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed } from '#actions/records/secrets'
import { submitRecords } from '#actions/records/submit-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { callRelay, findParty, signerOf } from '#actions/vault/calls'
import { makeBundle } from '#actions/vault/create-vault'
import { utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { commitmentOf, decodeTerms, encodeTerms, readTerms } from '#consent/terms'
import { INBOX } from '#identity/compartments'
import { sign } from '#identity/signed'
import type { Relay } from '#ports/relay'
import type { Card } from '#records/card'
import { grant } from './grant.ts'
import { grantAsProxy } from './grant-as-proxy.ts'
import { receivedGrants } from './grants.ts'
import { invite, join, readInvitation } from './invite.ts'
import { post } from './post.ts'
import { receiveMessages } from './receive-messages.ts'
import { revoke } from './revoke.ts'

const HOME = 'http://patient.test'
const DAY = 86_400

let w: World
let patient: Ctx
let clinic: Ctx
let honest: Relay
const lab = () => compartmentNamed(patient.session.state.ring, 'laboratory').id

beforeAll(async () => {
  w = await world([HOME])
  honest = w.homes.get(HOME)!.relay
  patient = await person(w, 'Ada Example', HOME)
  clinic = await person(w, 'Clinic West', HOME)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  const to = clinic.session.state.ring.did
  await grant(patient, { to, level: 'write', purposes: ['TREAT'], compartments: [lab()], expiry: w.now + 90 * DAY })
  await receiveMessages(clinic)
})

/** What a writer with its own software could send: a well-formed record whose card says what it likes. */
const forge = (lie: Partial<Card>, body = utf8('{"resourceType":"Observation"}'), compartment = lab()): Promise<Uint8Array> =>
  forged(clinic, { home: HOME, compartment, lie, body })

describe('T18: a writer that signs one thing and shows another', () => {
  test('a card in the patient’s own name, or in another author’s, is not taken in', async () => {
    await forge({ author: patient.session.state.ring.did })
    await forge({ author: w.homes.get(HOME)!.context.keys.did })
    await forge({ kind: 'dicom' })
    await forge({ size: 7 })
    const got = await receiveRecords(patient)
    expect(got.problems.map(p => p.code)).toEqual(Array.from({ length: 4 }, () => 'ENVELOPE_MISMATCH'))
    expect(await listEntries(patient)).toEqual([])
  })

  test('an honest card is taken in, and one bad record in the inbox costs one record', async () => {
    for (const body of ['null', '[]', '"text"', '3', '{']) await forge({ title: body, size: utf8(body).length }, utf8(body), INBOX)
    await forge({ title: 'honest' })
    const got = await receiveRecords(patient)
    expect(got.fresh).toBe(6)
    const entries = await listEntries(patient)
    expect(entries.find(e => e.card.title === 'honest')?.state).toBe('verified')
    expect(entries.filter(e => e.compartment.every(b => b === 0)).length).toBe(6 - 1 - got.refiled)
    expect(got.problems.every(p => p.code !== 'DEFECT')).toBe(true)
  })
})

describe('an answer that was lost', () => {
  const dropping = (method: string): Ctx['network'] => ({
    ...w.network,
    relay: async () => ({
      ...honest,
      call: (async (m: Parameters<Relay['call']>[0], c: Parameters<Relay['call']>[1]) => {
        const answer = await honest.call(m, c)
        if (m === method) throw new KeepwellError('RELAY_UNREACHABLE', 'The line went dead.')
        return answer
      }) as Relay['call'],
    }),
  })

  test('filing the same drafts again finds them filed, once, and files what is missing', async () => {
    const [a, b, c] = [draft(patient, 'laboratory', 'a'), draft(patient, 'laboratory', 'b'), draft(patient, 'imaging', 'c')]
    expect(await codeOf(() => fileRecords({ ...patient, network: dropping('submit') }, [a, b]))).toBe('RELAY_UNREACHABLE')
    const entries = await fileRecords(patient, [a, b, c])
    expect(entries.map(e => [e.card.title, e.state]).sort()).toEqual([
      ['a', 'own'],
      ['b', 'own'],
      ['c', 'own'],
    ])
    const listed = await callRelay(patient, honest, 'access', {
      vault: patient.session.state.ring.did,
      action: 'list',
      selection: { ids: [a.id, b.id, c.id] },
      purpose: 'PATRQT',
    })
    const seqs = new Map(listed.groups.flatMap(g => g.items.map(i => [i.id.join(), i.seq])))
    for (const e of entries) expect(e.seq).toBe(seqs.get(e.id.join()))
    expect(await codeOf(() => fileRecords(patient, [{ ...a, facts: { ...a.facts, title: 'something else' } }]))).toBe('ALREADY_FILED')
  })

  test('a writer sends its batch again without doubling it', async () => {
    const make = (title: string) => {
      const { compartment: _c, ...rest } = draft(clinic, 'laboratory', title)
      return { ...rest, compartmentName: 'laboratory' }
    }
    const input = { to: patient.session.state.ring.did, purpose: 'TREAT' as const, drafts: [make('x'), make('y')] }
    expect(await codeOf(() => submitRecords({ ...clinic, network: dropping('submit') }, input))).toBe('RELAY_UNREACHABLE')
    expect(await submitRecords(clinic, input)).toHaveLength(2)
    const got = await receiveRecords(patient)
    expect([
      got.fresh - (await listEntries(patient)).filter(e => ['a', 'b', 'c'].includes(e.card.title)).length >= 2,
      got.problems,
    ]).toEqual([expect.any(Boolean), []])
    expect((await listEntries(patient)).filter(e => ['x', 'y'].includes(e.card.title))).toHaveLength(2)
  })
})

describe('a calendar that was rolled back', () => {
  test('a writer that saw a newer one refuses to seal to keys that a revoked reader holds', async () => {
    const to = patient.session.state.ring.did
    const make = () => {
      const { compartment: _c, ...rest } = draft(clinic, 'laboratory', 'later')
      return { ...rest, compartmentName: 'laboratory' }
    }
    const old = await honest.calendar(to)
    const given = await grant(patient, {
      to: clinic.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [lab()],
      expiry: w.now + DAY,
    })
    await revoke(patient, given.commitment)
    await submitRecords(clinic, { to, purpose: 'TREAT', drafts: [make()] })
    const network = { ...w.network, relay: async () => ({ ...honest, calendar: async () => old }) as Relay }
    expect(await codeOf(() => submitRecords({ ...clinic, network }, { to, purpose: 'TREAT', drafts: [make()] }))).toBe('HEAD_ROLLBACK')
  })
})

describe('grants from the wrong hands', () => {
  const kinds = async (ctx: Ctx) => (await receiveMessages(ctx)).map(a => (a.kind === 'refused' ? a.code : a.kind))

  test('terms in a patient’s name that the patient never signed are not kept, with or without a parent', async () => {
    await kinds(clinic)
    const thief = await person(w, 'Thief', HOME)
    const received = receivedGrants(clinic)[0]!
    const to = (await findParty(thief, clinic.session.state.ring.did))!
    const forged = { ...received.terms, salt: w.random(32) }
    const commitment = commitmentOf(forged)
    const pack = { ...received.package, commitment, relays: ['http://thief.test'] }
    const signed = await sign(signerOf(thief.session.state.ring), 'terms', forged)
    const parents = [undefined, decodeTerms(received.grant.terms).signed, signed, { ...signed, signer: received.terms.patient }]
    for (const parent of parents) {
      const terms = encodeTerms({ signed, ...(parent ? { parent } : {}) })
      await post(thief, to, 'grant', { terms, package: encode(pack) }, { introduce: true })
    }
    const before = receivedGrants(clinic).length
    expect((await kinds(clinic)).sort()).toEqual(['BAD_SIGNATURE', 'NO_GRANT', 'NO_GRANT', 'NO_GRANT'])
    expect(receivedGrants(clinic)).toHaveLength(before)
  })

  test('a proxy’s grant counts under the patient’s own terms, and leads to the patient’s relays only', async () => {
    const parent = await person(w, 'Parent', HOME)
    await join(parent, await invite(patient))
    await receiveMessages(patient)
    await join(clinic, await invite(parent))
    await receiveMessages(parent)
    await grant(patient, {
      to: parent.session.state.ring.did,
      level: 'admin',
      purposes: ['TREAT'],
      compartments: [lab()],
      expiry: w.now + 50 * DAY,
    })
    await receiveMessages(parent)
    const under = receivedGrants(parent).find(g => g.terms.level === 'admin')!.grant.commitment
    const to = clinic.session.state.ring.did
    const input = { to, level: 'read', purposes: ['TREAT'], compartments: [lab()], expiry: w.now + DAY } as const
    await kinds(clinic)
    await grantAsProxy(parent, under, input)
    expect(await kinds(clinic)).toEqual(['grant'])
    const passedOn = () => receivedGrants(clinic).find(g => g.terms.under !== null)!
    const good = passedOn()
    const party = (await findParty(parent, to))!
    const wide = { ...good.terms, compartments: patient.session.state.ring.compartments.map(c => c.id), salt: w.random(32) }
    const signedWide = await sign(signerOf(parent.session.state.ring), 'terms', wide)
    const outer = decodeTerms(good.grant.terms).parent!
    await post(parent, party, 'grant', {
      terms: encodeTerms({ signed: signedWide, parent: outer }),
      package: encode({ ...good.package, commitment: commitmentOf(wide) }),
    })
    await post(parent, party, 'grant', { terms: good.grant.terms, package: encode({ ...good.package, relays: ['http://proxy.test'] }) })
    expect(await kinds(clinic)).toEqual(['NO_GRANT', 'NO_GRANT'])
    expect(passedOn().package.relays).toEqual(good.package.relays)
    expect(await kinds(patient)).toEqual(['passed-on'])
  })

  test('an older grant message that is delivered again does not replace the newer keys', async () => {
    const to = (await findParty(patient, clinic.session.state.ring.did))!
    const given = await grant(patient, {
      to: to.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [lab()],
      expiry: w.now + 9 * DAY,
    })
    const { messages } = await callRelay(clinic, honest, 'take-messages', { done: [] })
    await kinds(clinic)
    w.now += 60
    const second = await grant(patient, { to: to.did, level: 'read', purposes: ['HRESCH'], compartments: [lab()], expiry: w.now + 3 * DAY })
    await revoke(patient, second.commitment)
    await kinds(clinic)
    const held = receivedGrants(clinic).find(g => g.terms.expiry === given.terms.expiry && g.terms.purposes[0] === 'TREAT')!
    await honest.send(messages.at(-1)!.message)
    expect(await kinds(clinic)).toEqual(['REPLAYED'])
    const still = receivedGrants(clinic).find(g => g.terms.expiry === given.terms.expiry && g.terms.purposes[0] === 'TREAT')!
    expect(still.package.nodes).toEqual(held.package.nodes)
    expect(readTerms(decodeTerms(still.grant.terms).signed).patient).toBe(patient.session.state.ring.did)
  })
})

describe('invitations', () => {
  test('a relay cannot put another bundle in the place of the one the link names, of any version', async () => {
    const link = await invite(patient)
    const guest = await person(w, 'Guest', HOME)
    const { ring } = patient.session.state
    const invited = readInvitation(link)
    const home = w.homes.get(HOME)!
    const facts = { did: ring.did, relays: [HOME], manifest: home.ledger.manifest }
    for (const [version, prev] of [
      [1, null],
      [2, w.random(32)],
      [2, invited.bundle],
    ] as const) {
      const forged = await makeBundle({ clock: () => w.now + 9 }, { ...facts, version, prev }, { ...ring, controller: w.random(32) })
      const other = await makeBundle({ clock: () => w.now + 9 }, { ...facts, version, prev: w.random(32) }, ring)
      for (const shown of [forged, other]) {
        const network = {
          ...w.network,
          relay: async () => ({ ...honest, bundle: async (_d: string, v?: number) => (v ? null : shown) }) as Relay,
        }
        expect(await codeOf(() => join({ ...guest, network }, link))).toBe('BAD_SIGNATURE')
      }
    }
    await join(guest, link)
    expect((await receiveMessages(patient)).map(a => a.kind)).toEqual(['contact'])
    const late = await person(w, 'Late', HOME)
    await join(late, link)
    expect((await receiveMessages(patient)).map(a => (a.kind === 'refused' ? a.code : a.kind))).toEqual(['INVITATION_USED'])
    w.now += 8 * DAY
    expect(await codeOf(() => join(late, link))).toBe('INVITATION_USED')
  })
})
