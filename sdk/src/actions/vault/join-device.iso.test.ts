import { describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { openRecords } from '#actions/records/open-record'
import { receiveRecords } from '#actions/records/receive-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { fromBase64Url, toBase64Url, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { codeOf } from '#base/code.kit'
import { decodeAs } from '#base/shape'
import { deviceCode } from '#identity/device'
import { memoryCatalog } from '#memory/catalog'
import type { Relay } from '#ports/relay'
import { deviceOffer } from '#wire/messages'
import { acceptAdmission } from './accept-admission.ts'
import { admitDevice, readOffer } from './admit-device.ts'
import { removeDevice } from './devices.ts'
import { OFFER_PREFIX, type OpenOffer, offerDevice } from './offer-device.ts'
import { rotate } from './rotate.ts'

const HOME = 'http://home.test'

const parts = (w: World) => ({ clock: w.clock, random: w.random, network: w.network })
const offering = (w: World): Promise<OpenOffer> => offerDevice(parts(w), { relay: HOME, name: 'phone' })

/** The world as one party sees it whose relay answers otherwise. */
const seenThrough = <C extends { network: World['network'] }>(ctx: C, change: (relay: Relay) => Partial<Relay>): C => ({
  ...ctx,
  network: {
    ...ctx.network,
    relay: async url => {
      const relay = await ctx.network.relay(url)
      return { ...relay, ...change(relay) }
    },
  },
})

describe('T35: a second device', () => {
  test('is let in by what it shows, opens everything with a key of its own, and never sees the words', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    await fileRecords(first, [draft(first, 'laboratory', 'HbA1c')])
    const open = await offering(w)
    expect(open.code.length).toBeLessThan(460)
    expect(await acceptAdmission(parts(w), open)).toBeNull()
    const seen = await readOffer(first, open.code)
    expect(seen.code).toMatch(/^\d{4} \d{4} \d{4}$/)
    expect(seen.code).toBe(await deviceCode(open.device.public))
    await admitDevice(first, seen)
    const session = await acceptAdmission(parts(w), open)
    const second: Ctx = { ...parts(w), catalog: memoryCatalog(), session: session! }
    expect(second.session.state.ring.devices.map(d => d.name)).toEqual(['test', 'phone'])
    await receiveRecords(second)
    const entries = await listEntries(second)
    expect(
      (
        await openRecords(
          second,
          entries.map(e => e.id),
        )
      ).length,
    ).toBe(1)
    await fileRecords(second, [draft(second, 'imaging', 'CT')])
    await receiveRecords(first)
    expect((await listEntries(first)).length).toBe(2)
  })

  test('is refused when its code was used, or is older than some minutes; nothing of the waiting stays at the relay', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const open = await offering(w)
    const seen = await readOffer(first, open.code)
    await admitDevice(first, seen)
    expect(await codeOf(() => readOffer(first, open.code))).toBe('INVITATION_USED')
    const session = await acceptAdmission(parts(w), open)
    expect(session).not.toBeNull()
    // Removed again, its old code does not let it back in.
    await removeDevice(first, session!.device.id)
    expect(await codeOf(async () => admitDevice(first, await readOffer(first, open.code)))).not.toBe('no error')
    expect(await w.homes.get(HOME)!.context.envelopes.vaults('bundle')).not.toContain(open.offer.did)
    expect(await codeOf(() => acceptAdmission(parts(w), open))).toBe('ERASED')

    const late = await offering(w)
    const lateSeen = await readOffer(first, late.code)
    w.now += 601
    expect(await codeOf(() => readOffer(first, late.code))).toBe('INVITATION_USED')
    expect(await codeOf(() => admitDevice(first, lateSeen))).toBe('INVITATION_USED')
    expect(await codeOf(() => acceptAdmission(parts(w), late))).toBe('INVITATION_USED')
  })

  test('a relay that puts in another key is caught by the hash, a code of somebody else by the digits', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const mine = await offering(w)
    const thief = await offering(w)
    const swapped = seenThrough(first, relay => ({
      bundle: (did, version) => relay.bundle(did === mine.offer.did ? thief.offer.did : did, version),
    }))
    expect(await codeOf(() => readOffer(swapped, mine.code))).toBe('BAD_SIGNATURE')
    // Whoever shows his own code in place of the new device's shows other digits than it does.
    expect((await readOffer(first, thief.code)).code).not.toBe(await deviceCode(mine.device.public))
    // A code that names the thief's key under the device's secret is the thief's key all the same.
    const forged = OFFER_PREFIX + toBase64Url(encode({ ...thief.offer, secret: mine.offer.secret }))
    expect((await readOffer(first, forged)).code).toBe(await deviceCode(thief.device.public))
    for (const bad of ['', 'keepwell:device#', 'keepwell:invite#AAAA', `${OFFER_PREFIX}AAAA`, mine.code.slice(0, -9)])
      expect([bad, await codeOf(() => readOffer(first, bad))]).not.toEqual([bad, 'no error'])
  })

  test('a code and its relay must name the same key, also under one DID', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const { offer } = await offering(w)
    const named = (bundle: Uint8Array): string => OFFER_PREFIX + toBase64Url(encode({ ...offer, bundle }))
    expect(await codeOf(() => readOffer(first, named(offer.bundle)))).toBe('no error')
    expect(await codeOf(() => readOffer(first, named(new Uint8Array(32))))).toBe('BAD_SIGNATURE')
  })

  test('takes no answer from somebody who did not see its code, and none from two vaults', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const mallory = await person(w, 'Ada Example', HOME)
    const open = await offering(w)
    // Mallory knows the mailbox, as the relay does, but not the secret.
    const blind = OFFER_PREFIX + toBase64Url(encode({ ...open.offer, secret: w.random(32) }))
    await admitDevice(mallory, await readOffer(mallory, blind))
    expect(await acceptAdmission(parts(w), open)).toBeNull()
    await admitDevice(first, await readOffer(first, open.code))
    const both = await offering(w)
    await admitDevice(mallory, await readOffer(mallory, both.code))
    await admitDevice(first, await readOffer(first, both.code))
    expect(await codeOf(() => acceptAdmission(parts(w), both))).toBe('UNVERIFIED')
    expect((await acceptAdmission(parts(w), open))!.state.ring.did).toBe(first.session.state.ring.did)
  })

  test('takes no older keyring, none of another vault, and none without a head', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const other = await person(w, 'Ben Other', HOME)
    const old = await (await w.network.relay(HOME)).restore(first.session.state.ring.recovery.tag)
    const foreign = await (await w.network.relay(HOME)).restore(other.session.state.ring.recovery.tag)
    const open = await offering(w)
    await admitDevice(first, await readOffer(first, open.code))
    for (const [shown, why] of [
      [old, 'NO_KEY'],
      [foreign, 'NO_KEY'],
      [null, 'HEAD_ROLLBACK'],
    ] as const) {
      const lying = seenThrough(parts(w), () => ({ restore: async () => shown }))
      expect(await codeOf(() => acceptAdmission(lying, open))).toBe(why)
    }
    const headless = seenThrough(parts(w), relay => ({
      restore: async tag => ({ ...(await relay.restore(tag))!, head: old!.head }),
    }))
    expect(await codeOf(() => acceptAdmission(headless, open))).toBe('HEAD_ROLLBACK')
    expect(await acceptAdmission(parts(w), open)).not.toBeNull()
  })

  test('is taken out again when it cannot be told, and the code shows no key', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const open = await offering(w)
    const seen = await readOffer(first, open.code)
    const mute = seenThrough(first, () => ({
      send: async () => {
        throw new TypeError('the line was cut')
      },
    }))
    expect(await codeOf(() => admitDevice(mute, seen))).toContain('TypeError')
    expect(first.session.state.ring.devices).toHaveLength(1)
    const shown = toHex(fromBase64Url(open.code.slice(OFFER_PREFIX.length)))
    for (const secret of [open.device.secret, open.caller.request]) expect(shown.includes(toHex(secret))).toBe(false)
    expect(decodeAs(deviceOffer, fromBase64Url(open.code.slice(OFFER_PREFIX.length))).name).toBe('phone')
  })

  test('is still let in after a rotation: the words are new, the way is the same', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    await rotate(first)
    const open = await offering(w)
    await admitDevice(first, await readOffer(first, open.code))
    expect((await acceptAdmission(parts(w), open))!.state.ring.version).toBe(first.session.state.ring.version)
  })
})
