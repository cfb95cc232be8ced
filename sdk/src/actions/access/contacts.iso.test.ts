import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { compartmentNamed } from '#actions/records/secrets'
import { person, type World, world } from '#actions/story.kit'
import { ownBundle, trustBundle } from '#actions/vault/calls'
import { rotate } from '#actions/vault/rotate'
import { equal } from '#base/bytes'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { encodeBundle } from '#identity/bundle'
import { addContact } from './add-contact.ts'
import { confirmContact } from './confirm-contact.ts'
import { forgetContact } from './forget-contact.ts'
import { grant } from './grant.ts'
import { receiveMessages } from './receive-messages.ts'
import { revoke } from './revoke.ts'
import { sendNotice } from './send-notice.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'

let w: World
let ada: Ctx
let ben: Ctx
const didOf = (ctx: Ctx): string => ctx.session.state.ring.did
const share = () => {
  const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
  return grant(ada, { to: didOf(ben), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 86_400 })
}

beforeEach(async () => {
  w = await world([HOME, AWAY], 'contacts')
  ada = await person(w, 'Ada', HOME)
  ben = await person(w, 'Ben', AWAY)
})

describe('a contact by DID', () => {
  test('is granted nothing before its fingerprint was compared, and is after', async () => {
    const { fingerprint } = await addContact(ada, { did: didOf(ben), name: 'Ben', relays: [AWAY] })
    expect(await codeOf(share)).toBe('UNVERIFIED')
    expect(await codeOf(() => confirmContact(ada, { did: didOf(ben), fingerprint: `${fingerprint.slice(0, -1)}x` }))).toBe('UNVERIFIED')
    expect(await codeOf(share)).toBe('UNVERIFIED')
    await confirmContact(ada, { did: didOf(ben), fingerprint: fingerprint.toUpperCase().replaceAll(' ', '') })
    expect(await codeOf(share)).toBe('no error')
    expect((await receiveMessages(ben)).map(a => a.kind)).toEqual(['grant'])
    // Ben never heard of Ada before; he may not grant to her for that.
    expect(ben.session.state.ring.contacts).toMatchObject([{ did: didOf(ada), verified: false }])
  })

  test('adding again does not undo what was compared, nor is anyone his own contact', async () => {
    const input = { did: didOf(ben), name: 'Ben', relays: [AWAY] }
    const { fingerprint } = await addContact(ada, input)
    await confirmContact(ada, { did: input.did, fingerprint })
    await addContact(ada, { ...input, name: 'Mallory' })
    expect(ada.session.state.ring.contacts).toMatchObject([{ name: 'Ben', verified: true }])
    expect(await codeOf(() => addContact(ada, { did: didOf(ada), name: 'I' }))).toBe('BAD_INPUT')
    expect(await codeOf(() => addContact(ada, { did: didOf(ben).replace(/.$/, c => (c === '0' ? '1' : '0')), name: '?' }))).toBe(
      'UNKNOWN_PARTY',
    )
  })

  test('new keys are another fingerprint: the old one no longer confirms', async () => {
    // Of the same home: the homes of a test share a chain id, so that another's ledger would answer for Ben's controller.
    ben = await person(w, 'Ben', HOME)
    const before = await addContact(ada, { did: didOf(ben), name: 'Ben' })
    await rotate(ben)
    expect(await codeOf(() => confirmContact(ada, { did: didOf(ben), fingerprint: before.fingerprint }))).toBe('UNVERIFIED')
    const { fingerprint } = await addContact(ada, { did: didOf(ben), name: 'Ben' })
    await confirmContact(ada, { did: didOf(ben), fingerprint })
    expect(await codeOf(share)).toBe('no error')
  })

  test('newer keys that were seen are pinned: older ones count no more where no ledger can be asked; what was compared stays what was compared', async () => {
    ben = await person(w, 'Ben', HOME)
    const { fingerprint } = await addContact(ada, { did: didOf(ben), name: 'Ben' })
    await confirmContact(ada, { did: didOf(ben), fingerprint })
    const old = ownBundle(ben.session.state.ring)
    const mallory = await person(w, 'Mallory', HOME)
    const noLedger = { ...ada, network: { ...ada.network, ledger: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'Gone.')) } }
    const older = () => codeOf(() => trustBundle(noLedger, old))
    const known = () => ada.session.state.ring.contacts[0]!
    await rotate(ben)
    expect([await older(), known().newest]).toEqual(['no error', undefined])
    // Nobody else's word pins anything.
    await sendNotice(mallory, { to: didOf(ada), text: 'I am Ben.' })
    await receiveMessages(ada)
    expect([await older(), known().newest]).toEqual(['no error', undefined])
    await sendNotice(ben, { to: didOf(ada), text: 'New keys.' })
    expect((await receiveMessages(ada)).map(a => a.kind)).toEqual(['notice'])
    expect(await older()).toBe('BUNDLE_ROLLBACK')
    expect([known().verified, equal(known().bundle, encodeBundle(old))]).toEqual([true, true])
    expect(equal(known().newest!, encodeBundle(ownBundle(ben.session.state.ring)))).toBe(true)
    const now = await addContact(ada, { did: didOf(ben), name: 'Ben' })
    await confirmContact(ada, { did: didOf(ben), fingerprint: now.fingerprint })
    expect([known().newest, await older()]).toEqual([undefined, 'BUNDLE_ROLLBACK'])
  })

  test('is forgotten only when nothing binds any more', async () => {
    const { fingerprint } = await addContact(ada, { did: didOf(ben), name: 'Ben', relays: [AWAY] })
    await confirmContact(ada, { did: didOf(ben), fingerprint })
    const { commitment } = await share()
    expect(await codeOf(() => forgetContact(ada, didOf(ben)))).toBe('BAD_INPUT')
    await revoke(ada, commitment)
    await forgetContact(ada, didOf(ben))
    expect(ada.session.state.ring.contacts).toEqual([])
  })

  test('an answer in words reaches the one who asked', async () => {
    await sendNotice(ada, { to: didOf(ben), text: 'Not now.', relays: [AWAY] })
    expect(await receiveMessages(ben)).toMatchObject([{ kind: 'notice', did: didOf(ada), text: 'Not now.' }])
  })
})
