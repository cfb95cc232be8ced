import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { equal, fromBase64Url } from '#base/bytes'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import type { Party } from '#identity/bundle'
import { deviceCode } from '#identity/device'
import { recipientId } from '#identity/sealed-keyring'
import { type DeviceOffer, deviceOffer } from '#wire/messages'
import { homeRelayUrl, trustBundle } from './calls.ts'
import { addDevice, removeDevice } from './devices.ts'
import { OFFER_PREFIX } from './offer-device.ts'

type Admitting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** An offer as this device read it. `code` is what the person compares with the new device's screen before `admitDevice`. */
export type SeenOffer = { readonly offer: DeviceOffer; readonly party: Party; readonly id: Uint8Array; readonly code: string }

/**
 * Reads what a new device shows: the key must be the one that the code names by its hash, so that a relay cannot put in another. Throws
 * BAD_INPUT, INVITATION_USED when it has expired or was answered, BAD_SIGNATURE.
 */
export async function readOffer(ctx: Admitting, text: string): Promise<SeenOffer> {
  const at = text.indexOf('#')
  ensure(text.startsWith(OFFER_PREFIX.slice(0, -1)) && at > 0, 'BAD_INPUT', 'This is not the code of a new device.')
  const offer = decodeAs(deviceOffer, fromBase64Url(text.slice(at + 1).trim()))
  stillOpen(ctx, offer)
  const found = await (await ctx.network.relay(offer.relay)).bundle(offer.did)
  ensure(found, 'UNKNOWN_PARTY', 'The new device is not known at its relay; begin again there.')
  const party = await trustBundle(ctx, found, [offer.relay])
  ensure(
    party.did === offer.did && equal(party.hash, offer.bundle),
    'BAD_SIGNATURE',
    'The relay shows another key than the new device’s code names.',
  )
  const id = recipientId(party.inbox)
  const known = ctx.session.state.ring.devices.some(d => equal(d.id, id))
  ensure(!known, 'INVITATION_USED', 'This code was used already; begin again on the new device.')
  return { offer, party, id, code: await deviceCode(party.inbox) }
}

const stillOpen = (ctx: Admitting, offer: DeviceOffer): void =>
  ensure(offer.expiry > ctx.clock(), 'INVITATION_USED', 'The code has expired; begin again on the new device.')

/**
 * Seals the keyring to the new device as well, and tells it where to find it. Only after the person saw the same code on both screens. When
 * the new device cannot be told, it is taken out again.
 */
export async function admitDevice(ctx: Admitting, { offer, party, id }: SeenOffer): Promise<void> {
  stillOpen(ctx, offer)
  const ring = await addDevice(ctx, { id, name: offer.name, public: party.inbox })
  const { secret, expiry } = offer
  const content = { v: 1, secret, vault: ring.did, relay: homeRelayUrl(ring), tag: ring.recovery.tag, version: ring.version }
  try {
    await post(ctx, party, 'device', content, { introduce: true, expiry })
  } catch (e) {
    await removeDevice(ctx, id)
    throw e
  }
}
