import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { callRelay, findParty, homeRelay, signerOf } from '#actions/vault/calls'
import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { commitmentOf, decodeTerms, encodeTerms, readTerms } from '#consent/terms'
import { sign } from '#identity/signed'
import { MESSAGES_PAGE } from '#wire/methods'
import { grant } from './grant.ts'
import { grantAsProxy } from './grant-as-proxy.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { openSession } from './open-session.ts'
import { passOnward } from './pass-onward.ts'
import { notePassed } from './passed.ts'
import { post } from './post.ts'
import { receiveMessages } from './receive-messages.ts'
import { renewPassed } from './renew-passed.ts'
import { revoke } from './revoke.ts'
import { revokePassed } from './revoke-passed.ts'
import { sendNotice } from './send-notice.ts'
import { verifyTrail } from './verify-trail.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'
const DAY = 86_400

const meet = async (a: Ctx, b: Ctx): Promise<void> => {
  await join(b, await invite(a))
  await receiveMessages(a)
}

let w: World
let child: Ctx
let parent: Ctx
let clinic: Ctx
let under: Uint8Array
const didOf = (ctx: Ctx): string => ctx.session.state.ring.did
const lab = (): Uint8Array => compartmentNamed(child.session.state.ring, 'laboratory').id
const passOnLab = () =>
  grantAsProxy(parent, under, { to: didOf(clinic), level: 'read', purposes: ['TREAT'], compartments: [lab()], expiry: w.now + 30 * DAY })
const read = (commitment: Uint8Array) => codeOf(() => openSession(clinic, { grant: commitment, purpose: 'TREAT' }))

beforeEach(async () => {
  w = await world([HOME, AWAY], 'passing on')
  child = await person(w, 'Child', HOME)
  parent = await person(w, 'Parent', AWAY)
  clinic = await person(w, 'Clinic', AWAY)
  await meet(child, parent)
  await meet(parent, clinic)
  await fileRecords(child, [draft(child, 'laboratory', 'glucose')])
  const input = { to: didOf(parent), level: 'admin', purposes: ['TREAT'], compartments: [lab()], expiry: w.now + 300 * DAY } as const
  under = (await grant(child, input)).commitment
  await receiveMessages(parent)
})

describe('what a proxy passes on', () => {
  test('the patient is told, with both signatures, and ends it by her word alone', async () => {
    const given = await passOnLab()
    expect(given.told).toBe(true)
    const [told] = await receiveMessages(child)
    expect(told).toMatchObject({ kind: 'passed-on', did: didOf(parent), to: 'Clinic', commitment: toHex(given.commitment) })
    const [passed] = child.session.state.ring.passed ?? []
    const { signed, parent: outer } = decodeTerms(passed!.terms)
    expect([signed.signer, outer!.signer]).toEqual([didOf(parent), didOf(child)])
    await receiveMessages(clinic)
    expect(await read(given.commitment)).toBe('no error')
    await revokePassed(child, given.commitment)
    expect(await read(given.commitment)).toBe('DENIED')
    expect(child.session.state.ring.passed![0]!.state).toBe('revoked')
    // The proxy's own consent lives on, with the new generation's keys.
    expect((await receiveMessages(parent)).map(a => a.kind)).toEqual(['grant', 'revoked'])
    await fileRecords(child, [draft(child, 'laboratory', 'later')])
    const session = await openSession(parent, { grant: under, purpose: 'TREAT' })
    expect(session.records.map(r => r.card.title).sort()).toEqual(['glucose', 'later'])
    expect(session.problems).toEqual([])
  })

  test('what the patient ended is renewed no more: the proxy passes no later keys on, and no order of messages brings it back', async () => {
    const given = await passOnLab()
    await receiveMessages(child)
    await receiveMessages(clinic)
    for (let i = 0; i < 6; i++) await renewPassed(parent, under)
    await revokePassed(child, given.commitment)
    await passOnward(parent, await receiveMessages(parent))
    expect(parent.session.state.ring.given.map(g => g.state)).toEqual(['revoked'])
    expect((await receiveMessages(clinic)).map(a => a.kind)).toEqual([...Array<string>(6).fill('grant'), 'revoked'])
    expect(receivedGrants(clinic)).toEqual([])
  })

  test('a proxy that tells nothing is found in the receipts, and can be ended then', async () => {
    const quiet = { ...parent, network: { ...w.network, relay: (url: string) => (url === HOME ? deaf(url) : w.network.relay(url)) } }
    const { commitment, told } = await grantAsProxy(quiet, under, {
      to: didOf(clinic),
      level: 'read',
      purposes: ['TREAT'],
      compartments: [lab()],
      expiry: w.now + DAY,
    })
    expect(told).toBe(false)
    await receiveMessages(clinic)
    await openSession(clinic, { grant: commitment, purpose: 'TREAT' })
    const trail = await verifyTrail(child)
    expect(trail.problems).toEqual([])
    expect(trail.looked.find(l => l.receipt.actor === didOf(clinic))).toMatchObject({ grant: toHex(commitment), proxy: didOf(parent) })
    expect(trail.untold.map(p => [p.proxy, toHex(p.commitment)])).toEqual([[didOf(parent), toHex(commitment)]])
    await notePassed(child, trail.untold)
    expect((await verifyTrail(child)).untold).toEqual([])
    await revokePassed(child, commitment)
    expect(await read(commitment)).toBe('DENIED')
  })

  test('the proxy’s own end is heard by grantee and patient', async () => {
    const given = await passOnLab()
    await receiveMessages(clinic)
    await receiveMessages(child)
    await revoke(parent, given.commitment)
    expect((await receiveMessages(child)).map(a => a.kind)).toEqual(['revoked'])
    expect(child.session.state.ring.passed!.map(p => p.state)).toEqual(['revoked'])
    expect((await receiveMessages(clinic)).map(a => a.kind)).toEqual(['revoked'])
    expect(receivedGrants(clinic)).toEqual([])
  })

  test('after a new generation those to whom it was passed on get the keys that follow', async () => {
    const given = await passOnLab()
    await receiveMessages(clinic)
    const other = await person(w, 'Other', HOME)
    await meet(child, other)
    const second = await grant(child, {
      to: didOf(other),
      level: 'read',
      purposes: ['TREAT'],
      compartments: [lab()],
      expiry: w.now + 9 * DAY,
    })
    await revoke(child, second.commitment)
    await fileRecords(child, [draft(child, 'laboratory', 'later')])
    const titles = async () => {
      const session = await openSession(clinic, { grant: given.commitment, purpose: 'TREAT' })
      return session.records.map(r => r.card.title).sort()
    }
    expect(await titles()).toEqual(['glucose'])
    expect(await receiveMessages(parent)).toMatchObject([{ kind: 'grant', renewed: true }])
    expect(await renewPassed(parent, under)).toEqual([])
    await receiveMessages(clinic)
    expect(await titles()).toEqual(['glucose', 'later'])
  })
})

describe('who may not', () => {
  test('nobody but the patient ends a proxy’s consent without its holder’s signature', async () => {
    const given = await passOnLab()
    await receiveMessages(clinic)
    const [pass] = receivedGrants(clinic)
    const body = {
      vault: didOf(child),
      holder: pass!.terms.holder,
      commitment: given.commitment,
      deadline: w.now,
      terms: pass!.grant.terms,
    }
    const relay = await homeRelay(child)
    for (const who of [clinic, parent]) expect(await codeOf(() => callRelay(who, relay, 'revoke', body))).toMatch(/DENIED|BAD_INPUT/)
    expect(await read(given.commitment)).toBe('no error')
    expect(await codeOf(() => revokePassed(clinic, given.commitment))).toBe('NO_GRANT')
  })

  test('tells a patient of a consent that nobody gave, or of a wider one, in vain', async () => {
    await passOnLab()
    await receiveMessages(clinic)
    const [pass] = receivedGrants(clinic)
    const { signed, parent: outer } = decodeTerms(pass!.grant.terms)
    const patient = (await findParty(clinic, didOf(child), [HOME]))!
    const note = encode({ name: 'Somebody' })
    const forged = await sign(signerOf(clinic.session.state.ring), 'terms', readTerms(signed))
    const wide = await sign(signerOf(parent.session.state.ring), 'terms', { ...readTerms(signed), expiry: w.now + 999 * DAY })
    await post(clinic, patient, 'grant', { terms: encodeTerms({ signed: forged, parent: outer! }), package: note }, { introduce: true })
    await post(clinic, patient, 'grant', { terms: encodeTerms({ signed: forged }), package: note }, { introduce: true })
    await post(parent, patient, 'grant', { terms: encodeTerms({ signed: wide, parent: outer! }), package: note })
    const arrivals = (await receiveMessages(child)).map(a => a.kind)
    expect(arrivals.sort()).toEqual(['passed-on', 'refused', 'refused', 'refused'])
    expect(child.session.state.ring.passed).toHaveLength(1)
  })

  test('a stranger who names relays that do not answer holds up nobody’s messages, and is asked for few at a time', async () => {
    const strangers = await Promise.all(['Mallory', 'Malou', 'Malik', 'Malte', 'Malin'].map(name => person(w, name, AWAY)))
    for (const s of strangers)
      await post(s, (await findParty(s, didOf(child), [HOME]))!, 'grant', await nowhere(s, child), { introduce: true })
    for (const text of ['I am on my way.', 'In an hour.', 'Or two.']) await sendNotice(parent, { to: didOf(child), text })
    let asked = 0
    const heard: string[] = []
    const counted = (url: string) => {
      if (url === GONE) asked++
      // What was sent by whom one knows is acted on before anybody waits for these.
      if (url === GONE) expect(heard).toEqual(['notice', 'notice', 'notice'])
      return w.network.relay(url)
    }
    const counting = { ...child, network: { ...w.network, relay: counted } }
    expect((await receiveMessages(counting, a => heard.push(a.kind))).map(a => a.kind)).toEqual(['notice', 'notice', 'notice'])
    expect(asked).toBe(3)
    await sendNotice(parent, { to: didOf(child), text: 'At the door.' })
    expect(await receiveMessages(counting)).toMatchObject([{ kind: 'notice', text: 'At the door.' }])
    // They wait until it answers, and are worth nothing then.
    w.homes.set(GONE, w.homes.get(AWAY)!)
    expect((await receiveMessages(child)).map(a => a.kind)).toEqual(strangers.map(() => 'refused'))
    expect(await receiveMessages(child)).toEqual([])
  })

  test('a mailbox does not fill with what strangers have waiting for ever', async () => {
    const mallory = await person(w, 'Mallory', AWAY)
    const to = (await findParty(mallory, didOf(child), [HOME]))!
    const content = await nowhere(mallory, child)
    for (let i = 0; i < 4 * MESSAGES_PAGE + 7; i++) await post(mallory, to, 'grant', content, { introduce: true })
    await sendNotice(parent, { to: didOf(child), text: 'I am on my way.' })
    const codes = (arrivals: Awaited<ReturnType<typeof receiveMessages>>) => arrivals.map(a => (a.kind === 'refused' ? a.code : a.kind))
    // Those that were asked for on a full page, and those that are too many to wait.
    expect(codes(await receiveMessages(child)).sort()).toEqual([...Array(7).fill('RELAY_UNREACHABLE'), 'notice'])
    expect(codes(await receiveMessages(child))).toEqual(Array(3).fill('RELAY_UNREACHABLE'))
  })

  test.each(['RELAY_UNREACHABLE', 'RELAY_NOT_FOLLOWED'] as const)(
    'what a contact passes on of a patient whose relay is away or closed (%s) arrives when it is not, its end after it; its notices at once',
    async code => {
      const given = await passOnLab()
      await post(parent, (await findParty(parent, didOf(clinic)))!, 'revoked', { commitment: given.commitment, at: w.now })
      await sendNotice(parent, { to: didOf(clinic), text: 'We will be late.' })
      const relay = async (url: string) => {
        if (url === HOME) throw new KeepwellError(code, 'Not now.')
        return w.network.relay(url)
      }
      const closed = { ...clinic, network: { ...w.network, relay } }
      expect((await receiveMessages(closed)).map(a => a.kind)).toEqual(['notice'])
      expect((await receiveMessages(clinic)).map(a => a.kind)).toEqual(['grant', 'revoked'])
      expect(clinic.session.state.ring.received).toEqual([])
    },
  )
})

const GONE = 'http://gone.test'

/** A grant in the name of an accomplice who would be found at a relay that does not answer. */
async function nowhere(by: Ctx, to: Ctx) {
  const { signed } = decodeTerms(child.session.state.ring.given[0]!.terms)
  const outer = await sign(signerOf(clinic.session.state.ring), 'terms', { ...readTerms(signed), patient: didOf(clinic) })
  const terms = { ...readTerms(signed), patient: didOf(clinic), grantee: didOf(to) }
  const pack = { ...receivedGrants(parent)[0]!.package, commitment: commitmentOf(terms), relays: [GONE] }
  const both = { signed: await sign(signerOf(by.session.state.ring), 'terms', terms), parent: outer }
  return { terms: encodeTerms(both), package: encode(pack) }
}

/** A home relay that carries the consent to the ledger but takes no message. */
async function deaf(url: string) {
  const relay = await w.network.relay(url)
  return {
    ...relay,
    async send(): Promise<void> {
      const { KeepwellError } = await import('#base/error')
      throw new KeepwellError('RELAY_UNREACHABLE', 'No messages today.')
    },
  }
}
