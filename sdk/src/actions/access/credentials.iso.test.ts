import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { compartmentNamed } from '#actions/records/secrets'
import { person, type World, world } from '#actions/story.kit'
import { codeOf } from '#base/code.kit'
import { type Credential, credentialText, readCredential } from '#identity/credential'
import type { Did } from '#identity/did'
import { addContact } from './add-contact.ts'
import { checkCredential } from './check-credential.ts'
import { grant } from './grant.ts'
import { issueCredential } from './issue-credential.ts'
import { keepCredential, ownCredentials } from './own-credentials.ts'
import { type Arrival, receiveMessages } from './receive-messages.ts'
import { requestAccess } from './request.ts'
import { trustVouched } from './trust-vouched.ts'
import { keepRequests, waitingRequests } from './waiting-requests.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'
const YEAR = 366 * 86_400

let w: World
let ada: Ctx
let clinic: Ctx
const didOf = (ctx: Ctx): Did => ctx.session.state.ring.did
const vouch = async (holder: Did, name = 'Clinic West', home = HOME): Promise<Credential> =>
  issueCredential({ ...w, ledger: w.homes.get(home)!.ledger }, { holder, name, role: 'HOSPITAL', expiry: w.now + YEAR })
const ask = () =>
  requestAccess(clinic, { from: didOf(ada), purpose: 'TREAT', level: 'read', compartments: ['laboratory'], seconds: 86_400, text: '' })
const arrival = async () => (await receiveMessages(ada))[0] as Extract<Arrival, { kind: 'request' }>
const share = () => {
  const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
  return grant(ada, { to: didOf(clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 86_400 })
}

beforeEach(async () => {
  w = await world([HOME, AWAY], 'credentials')
  ada = await person(w, 'Ada', HOME)
  clinic = await person(w, 'The Clinic', HOME)
})

describe('somebody an issuer vouches for', () => {
  test('asks as verified, under the name that the issuer vouches for, and may then be granted to', async () => {
    const given = readCredential(credentialText(await vouch(didOf(clinic))))
    await keepCredential(clinic, given)
    await ask()
    const asked = await arrival()
    expect(asked).toMatchObject({ name: 'Clinic West', verified: true, vouched: 'live', request: { name: 'The Clinic' } })
    expect(await codeOf(share)).toBe('UNKNOWN_PARTY')
    await trustVouched(ada, { did: asked.did, credential: asked.request.credential!, relays: asked.relays })
    expect(ada.session.state.ring.contacts).toMatchObject([{ name: 'Clinic West', verified: true }])
    expect(await codeOf(share)).toBe('no error')
  })

  test('is known by the issuer’s name, whatever they called themselves before', async () => {
    await addContact(ada, { did: didOf(clinic), name: 'University Hospital', relays: [HOME] })
    await keepCredential(clinic, await vouch(didOf(clinic)))
    await ask()
    const asked = await arrival()
    expect(asked).toMatchObject({ name: 'Clinic West', verified: true })
    await trustVouched(ada, { did: asked.did, credential: asked.request.credential!, relays: asked.relays })
    expect(ada.session.state.ring.contacts).toMatchObject([{ name: 'Clinic West', verified: true }])
  })

  test('is unverified once suspended, again verified once reinstated, and never more once revoked or run out', async () => {
    const given = await vouch(didOf(clinic))
    await keepCredential(clinic, given)
    const { credentials } = w.homes.get(HOME)!.ledger
    const now = () => checkCredential(ada, given, didOf(clinic))
    await credentials.setState(given.id, 'suspended')
    await ask()
    const asked = await arrival()
    expect(asked).toMatchObject({ name: 'The Clinic', verified: false, vouched: 'ended' })
    expect(await codeOf(() => trustVouched(ada, { did: asked.did, credential: given, relays: asked.relays }))).toBe('UNVERIFIED')
    await credentials.setState(given.id, 'live')
    expect(await now()).toBe('live')
    w.now += YEAR
    expect(await now()).toBe('ended')
  })

  test('a compared contact stays one, and is not said to be vouched for when it is not', async () => {
    const given = await vouch(didOf(clinic))
    await keepCredential(clinic, given)
    await ask()
    const first = await arrival()
    await trustVouched(ada, { did: first.did, credential: given, relays: first.relays })
    await w.homes.get(HOME)!.ledger.credentials.setState(given.id, 'suspended')
    await ask()
    const asked = await arrival()
    expect(asked).toMatchObject({ verified: true, vouched: 'ended' })
    await keepRequests(ada, [asked])
    expect(await waitingRequests(ada)).toMatchObject([{ vouched: 'ended' }])
  })

  test('nobody else uses their credential, and nobody changes what it says', async () => {
    const given = await vouch(didOf(clinic))
    const state = (changed: Partial<Credential>, holder = didOf(clinic)) => checkCredential(ada, { ...given, ...changed }, holder)
    expect(await state({})).toBe('live')
    expect(await state({}, didOf(ada))).toBe('false')
    expect(await state({ holder: didOf(ada) }, didOf(ada))).toBe('false')
    expect(await state({ name: 'University Hospital' })).toBe('false')
    expect(await state({ role: 'MD' })).toBe('false')
    expect(await state({ expiry: given.expiry + 1 })).toBe('false')
    expect(await state({ id: new Uint8Array(32) })).toBe('false')
    expect(await codeOf(() => keepCredential(ada, given))).toBe('DENIED')
    expect(ownCredentials(ada)).toEqual([])
  })

  test('a ledger of the asker’s own choice vouches for nobody here', async () => {
    const away = await vouch(didOf(clinic), 'Clinic West', AWAY)
    expect(await checkCredential(ada, away, didOf(clinic))).toBe('false')
    // Real ledgers draw their numbers at random.
    expect(await checkCredential(ada, { ...away, chainId: away.chainId + 1 }, didOf(clinic))).toBe('elsewhere')
    expect(await codeOf(() => keepCredential(clinic, away))).toBe('DENIED')
  })

  test('a credential names somebody, and ends in the future', async () => {
    const { ledger } = w.homes.get(HOME)!
    const issue = (name: string, expiry: number) =>
      codeOf(() => issueCredential({ ...w, ledger }, { holder: didOf(clinic), name, role: 'MD', expiry }))
    expect([await issue(' ', w.now + 1), await issue('x', w.now), await issue('x', w.now + 1)]).toEqual([
      'BAD_INPUT',
      'BAD_INPUT',
      'no error',
    ])
    expect(await codeOf(async () => readCredential('keepwell:credential#AAAA'))).toBe('BAD_INPUT')
  })
})
