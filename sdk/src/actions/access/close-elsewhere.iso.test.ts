import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { equal } from '#base/bytes'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { decodeTerms, readTerms } from '#consent/terms'
import { memoryRelay } from '#memory/relay'
import type { Network, Relay } from '#ports/relay'
import { closeElsewhere, closeWithheld } from './close-elsewhere.ts'
import { grant } from './grant.ts'
import { invite, join } from './invite.ts'
import { openSession } from './open-session.ts'
import { receiveMessages } from './receive-messages.ts'
import { revoke } from './revoke.ts'

const HOME = 'http://home.test'
const OTHER = 'http://other.test'
const FAR = 'http://far.test'
const DAY = 86_400

let w: World
let patient: Ctx
let clinic: Ctx
let consent: Uint8Array
const given = () => patient.session.state.ring.given[0]!
const slot = async (of: Uint8Array = consent) => {
  const { terms } = patient.session.state.ring.given.find(g => equal(g.commitment, of))!
  return (await w.homes.get(HOME)!.ledger.consents.slot(readTerms(decodeTerms(terms).signed).holder, of))?.state
}
const share = async () => {
  const compartments = [compartmentNamed(patient.session.state.ring, 'laboratory').id]
  const to = clinic.session.state.ring.did
  return (await grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY })).commitment
}

/** The home relay as it is, but what `method` asks of it goes another way. */
function homeThat(method: string, answer: Relay['call']): Network {
  const call = ((name: string, c: never) =>
    name === method ? answer(name as never, c) : w.homes.get(HOME)!.relay.call(name as never, c)) as Relay['call']
  const relay: Relay = { ...w.homes.get(HOME)!.relay, call }
  return { ...w.network, relay: async url => (url === HOME ? relay : w.network.relay(url)) }
}
/** Says that it is done, and does nothing. */
const withholding = () => homeThat('revoke', async () => ({ tx: '0x', block: 1, time: w.now }) as never)

beforeEach(async () => {
  w = await world([HOME, FAR], 'second path')
  const { ledger } = w.homes.get(HOME)!
  w.homes.set(OTHER, await memoryRelay({ clock: w.clock, random: w.random, url: OTHER, ledger }))
  patient = await person(w, 'Ada', HOME)
  clinic = await person(w, 'Clinic', OTHER)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  await fileRecords(patient, [draft(patient, 'laboratory', 'HbA1c')])
  consent = await share()
  await receiveMessages(clinic)
})

describe('T17: the end of a consent that the home relay keeps from the ledger', () => {
  test('reaches it through another relay of the same ledger, and then the home relay refuses as well', async () => {
    await revoke({ ...patient, network: withholding() }, consent)
    expect([given().state, await slot()]).toEqual(['revoked', 'live'])
    expect(await codeOf(() => openSession(clinic, { grant: consent, purpose: 'TREAT' }))).toBe('no error')
    expect(await closeWithheld(patient, OTHER)).toBe(1)
    expect(await slot()).toBe('revoked')
    expect(await codeOf(() => openSession(clinic, { grant: consent, purpose: 'TREAT' }))).toBe('DENIED')
    // What is there is not sent again.
    expect(await closeWithheld(patient, OTHER)).toBe(0)
  })

  test('is every end that is missing and no other consent: not one that is in force, nor one that has run out', async () => {
    const [second, live] = [await share(), await share()]
    for (const one of [consent, second]) await revoke({ ...patient, network: withholding() }, one)
    expect(await closeWithheld(patient, OTHER)).toBe(2)
    expect([await slot(), await slot(second), await slot(live)]).toEqual(['revoked', 'revoked', 'live'])
    await revoke({ ...patient, network: withholding() }, live)
    w.now += 90 * DAY
    expect(await closeWithheld(patient, OTHER)).toBe(0)
  })

  test('reaches it also when the home relay does not answer at all', async () => {
    const deaf = homeThat('revoke', async () => {
      throw new KeepwellError('RELAY_UNREACHABLE', 'No answer.')
    })
    expect(await closeElsewhere(patient, given(), OTHER)).toBe(true)
    expect(await codeOf(() => revoke({ ...patient, network: deaf }, consent))).toBe('RELAY_UNREACHABLE')
    expect(await slot()).toBe('revoked')
    expect(await codeOf(() => openSession(clinic, { grant: consent, purpose: 'TREAT' }))).toBe('DENIED')
  })

  test('is not taken for done because a second relay says so', async () => {
    const other = w.homes.get(OTHER)!
    const lying: Relay = { ...other.relay, call: (async () => ({ tx: '0x', block: 1, time: w.now })) as never }
    const network: Network = { ...w.network, relay: async url => (url === OTHER ? lying : w.network.relay(url)) }
    expect(await codeOf(() => closeElsewhere({ ...patient, network }, given(), OTHER))).toBe('PEER_FAILED')
    expect(await slot()).toBe('live')
  })

  test('goes to no relay of another ledger, and nobody without the holder’s key ends it there', async () => {
    const far = { ...w.homes.get(OTHER)!.ledger, chainId: 7 }
    const network: Network = { ...w.network, ledger: async url => (url === FAR ? far : w.network.ledger(url)) }
    expect(await codeOf(() => closeElsewhere({ ...patient, network }, given(), FAR))).toBe('BAD_INPUT')
    const forged = { ...given(), holderKey: w.random(32) }
    expect(await codeOf(() => closeElsewhere(clinic, forged, OTHER))).toBe('LEDGER_REFUSED')
    expect(await slot()).toBe('live')
  })
})
