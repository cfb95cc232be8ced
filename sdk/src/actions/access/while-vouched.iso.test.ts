import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed } from '#actions/records/secrets'
import { submitRecords } from '#actions/records/submit-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { homeRelay, makeCall, signerOf } from '#actions/vault/calls'
import { utf8 } from '#base/bytes'
import { decode, encode } from '#base/cbor'
import { codeOf } from '#base/code.kit'
import { decodeTerms, encodeTerms, readTerms } from '#consent/terms'
import type { Credential } from '#identity/credential'
import { sign } from '#identity/signed'
import { contactCredential } from './contact-credential.ts'
import { type GrantInput, grant } from './grant.ts'
import { grantAsProxy } from './grant-as-proxy.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { issueCredential } from './issue-credential.ts'
import { openSession } from './open-session.ts'
import { keepCredential } from './own-credentials.ts'
import { type Arrival, receiveMessages } from './receive-messages.ts'
import { requestAccess } from './request.ts'
import { trustVouched } from './trust-vouched.ts'
import { verifyTrail } from './verify-trail.ts'

const HOME = 'http://home.test'
const DAY = 86_400

let w: World
let ada: Ctx
let clinic: Ctx
let credential: Credential
const didOf = (ctx: Ctx) => ctx.session.state.ring.did
const credentials = () => w.homes.get(HOME)!.ledger.credentials
const give = async (level: 'read' | 'write' | 'admin', more: Partial<GrantInput> = {}) => {
  const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
  const given = await grant(ada, { to: didOf(clinic), level, purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY, ...more })
  await receiveMessages(clinic)
  return given
}
const read = (commitment: Uint8Array) => codeOf(() => openSession(clinic, { grant: commitment, purpose: 'TREAT' }))
const write = () => {
  const { compartment: _, ...rest } = draft(ada, 'laboratory', 'Potassium', utf8('{"resourceType":"Observation"}'))
  const drafts = [{ ...rest, compartmentName: 'laboratory' }]
  return codeOf(() => submitRecords(clinic, { to: didOf(ada), drafts, purpose: 'TREAT' }))
}

/** Asks with what an issuer said of the clinic, and is met by it. */
async function vouched(): Promise<Credential> {
  const { ledger } = w.homes.get(HOME)!
  const about = { holder: didOf(clinic), name: 'Clinic West', role: 'HOSPITAL', expiry: w.now + 200 * DAY }
  const made = await issueCredential({ ...w, ledger }, about)
  await keepCredential(clinic, made)
  await requestAccess(clinic, { from: didOf(ada), purpose: 'TREAT', level: 'read', compartments: [], seconds: DAY, text: '' })
  const [asked] = (await receiveMessages(ada)) as Extract<Arrival, { kind: 'request' }>[]
  await trustVouched(ada, { did: asked!.did, credential: asked!.request.credential!, relays: asked!.relays })
  return made
}

beforeEach(async () => {
  w = await world([HOME], 'while vouched')
  ada = await person(w, 'Ada', HOME)
  clinic = await person(w, 'The Clinic', HOME)
  await fileRecords(ada, [draft(ada, 'laboratory', 'HbA1c')])
  credential = await vouched()
})

describe('T18: a consent that counts only while somebody vouches', () => {
  test('takes along, when a proxy is suspended, whoever the proxy let in', async () => {
    const { commitment } = await give('admin', { whileVouched: true })
    const friend = await person(w, 'Friend', HOME)
    await join(friend, await invite(clinic))
    await receiveMessages(clinic)
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    await grantAsProxy(clinic, commitment, {
      to: didOf(friend),
      level: 'read',
      purposes: ['TREAT'],
      compartments,
      expiry: w.now + 30 * DAY,
    })
    await receiveMessages(friend)
    const [passed] = receivedGrants(friend)
    const look = () => codeOf(() => openSession(friend, { grant: passed!.grant.commitment, purpose: 'TREAT' }))
    expect(await look()).toBe('no error')
    await credentials().setState(credential.id, 'suspended')
    expect(await look()).toBe('DENIED')
  })

  test('is refused to a suspended holder at the next access and the next record, and not to one reinstated', async () => {
    const toRead = await give('read', { whileVouched: true })
    await give('write', { whileVouched: true })
    expect([await read(toRead.commitment), await write()]).toEqual(['no error', 'no error'])
    // The own one, and theirs.
    expect((await receiveRecords(ada)).fresh).toBe(2)
    await credentials().setState(credential.id, 'suspended')
    expect([await read(toRead.commitment), await write()]).toEqual(['DENIED', 'DENIED'])
    expect((await receiveRecords(ada)).fresh).toBe(0)
    await credentials().setState(credential.id, 'live')
    expect([await read(toRead.commitment), await write()]).toEqual(['no error', 'no error'])
    await credentials().setState(credential.id, 'revoked')
    expect([await read(toRead.commitment), await write()]).toEqual(['DENIED', 'DENIED'])
    // The patient sees each attempt to read and why it was refused; of a record nothing was taken in the first place.
    const { looked } = await verifyTrail(ada)
    const denied = looked.filter(l => l.receipt.verdict === 'denied')
    expect(denied.map(l => l.receipt.reasons)).toEqual(Array(2).fill(['credential-dead']))
    // And what the word for them was worth at each: as the terms that they showed and the relay's verdict say.
    const theirs = looked.filter(l => l.receipt.action === 'list' || l.receipt.action === 'deny').map(l => l.credential)
    expect(theirs.filter(c => c !== null)).toEqual(['live', 'dead', 'live', 'dead'])
  })

  test('what is open when the holder is suspended opens nothing more', async () => {
    const { commitment } = await give('read', { whileVouched: true })
    const session = await openSession(clinic, { grant: commitment, purpose: 'TREAT' })
    await credentials().setState(credential.id, 'suspended')
    expect(await codeOf(() => session.open([session.records[0]!.id]))).toBe('DENIED')
  })

  test('ends with the credential, with nobody online', async () => {
    const { commitment } = await give('read', { whileVouched: true, expiry: w.now + 300 * DAY })
    w.now += 199 * DAY
    expect(await read(commitment)).toBe('no error')
    w.now += DAY
    expect(await read(commitment)).toBe('DENIED')
  })

  test('is the patient’s choice: without it a compared contact goes on as before', async () => {
    const { commitment, terms } = await give('read')
    expect([terms.v, terms.credential]).toEqual([1, undefined])
    await credentials().setState(credential.id, 'revoked')
    expect(await read(commitment)).toBe('no error')
  })

  test('is not given to somebody whom nobody vouches for', async () => {
    await credentials().setState(credential.id, 'suspended')
    expect(await codeOf(() => give('read', { whileVouched: true }))).toBe('UNVERIFIED')
    expect(ada.session.state.ring.given).toEqual([])
    expect((await contactCredential(ada, didOf(clinic))).state).toBe('ended')
  })

  test('terms that hide the credential behind the old version, or name none, are no terms', async () => {
    const { terms } = await give('read', { whileVouched: true })
    const { credential: _, ...without } = terms
    const relay = await homeRelay(clinic)
    for (const bad of [{ ...terms, v: 1 }, without]) {
      const encoded = encodeTerms({ signed: await sign(signerOf(ada.session.state.ring), 'terms', bad) })
      const body = encode({ vault: didOf(ada), action: 'list', selection: {}, purpose: 'TREAT', terms: encoded })
      expect(await codeOf(async () => relay.call('access', await makeCall(clinic, relay, 'access', decode(body) as never)))).toBe(
        'BAD_INPUT',
      )
    }
  })

  test('the holder cannot take the credential out of what the patient signed', async () => {
    const { terms } = await give('read', { whileVouched: true })
    const { credential: _, ...rest } = terms
    const own = encodeTerms({ signed: await sign(signerOf(clinic.session.state.ring), 'terms', { ...rest, v: 1 }) })
    const relay = await homeRelay(clinic)
    const body = { vault: didOf(ada), action: 'list' as const, selection: {}, purpose: 'TREAT' as const, terms: own }
    expect(await codeOf(async () => relay.call('access', await makeCall(clinic, relay, 'access', body)))).toBe('BAD_SIGNATURE')
    expect(readTerms(decodeTerms(own).signed).credential).toBeUndefined()
  })
})
