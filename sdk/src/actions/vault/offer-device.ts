import type { Ctx } from '#actions/context'
import { toBase64Url } from '#base/bytes'
import { decode, encode } from '#base/cbor'
import { secpAddress } from '#crypto/secp'
import type { Bundle } from '#identity/bundle'
import { type Caller, signCall } from '#identity/call'
import { type Device, newDevice } from '#identity/device'
import { makeDid } from '#identity/did'
import { recipientId } from '#identity/sealed-keyring'
import { type Signer, signedHash } from '#identity/signed'
import type { Manifest } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import type { DeviceOffer } from '#wire/messages'
import type { Answer, Body, MethodName } from '#wire/methods'
import { makeBundle, secretKey } from './create-vault.ts'

type Offering = Pick<Ctx, 'clock' | 'random' | 'network'>

export const OFFER_PREFIX = 'keepwell:device#'
const LIFE = 10 * 60

/** A device that waits to be let in: its key, the party made for the waiting, and what it shows. Kept in memory alone. */
export type OpenOffer = {
  readonly offer: DeviceOffer
  /** To be shown as a QR code, or pasted. */
  readonly code: string
  readonly device: Pick<Device, 'id' | 'name' | 'secret' | 'public'>
  readonly caller: Caller & Signer
}

export type OfferDevice = { readonly relay: string; readonly name: string; readonly seconds?: number }

/**
 * Begins on a new device (protocol §2): a device key, and a mailbox at the relay under a party made for this alone. Whoever opens the
 * vault reads the code with `readOffer`; the words are not needed and never travel.
 */
export async function offerDevice(ctx: Offering, input: OfferDevice): Promise<OpenOffer> {
  const relay = await ctx.network.relay(input.relay)
  const info = await relay.info()
  const controller = secretKey(ctx)
  const did = makeDid(info.chainId, secpAddress(controller))
  const made = await newDevice(did, input.name, ctx.random)
  const device = { ...made, id: recipientId(made.public) }
  const secrets = {
    controller,
    request: secretKey(ctx),
    signing: { ed25519: ctx.random(32), mldsa65: ctx.random(32) },
    inbox: device.secret,
  }
  const place = { relays: [input.relay], manifest: decode(info.manifest) as Manifest }
  const bundle = await makeBundle(ctx, { did, version: 1, prev: null, ...place }, secrets)
  const caller = { did, version: 1, request: secrets.request, signing: secrets.signing }
  await callAs(ctx, caller, relay, { method: 'enroll', body: { bundle } })
  return opened(ctx, input, { bundle, device, caller })
}

function opened(ctx: Offering, input: OfferDevice, made: { bundle: Bundle; device: Device; caller: Caller & Signer }): OpenOffer {
  const { bundle, device, caller } = made
  const offer: DeviceOffer = {
    v: 1,
    did: caller.did,
    name: input.name,
    bundle: signedHash(bundle.signed),
    relay: input.relay,
    secret: ctx.random(32),
    expiry: ctx.clock() + (input.seconds ?? LIFE),
  }
  return { offer, code: OFFER_PREFIX + toBase64Url(encode(offer)), device, caller }
}

/** A call by the waiting device's own party, which has no keyring. */
export async function callAs<M extends MethodName>(
  ctx: Pick<Ctx, 'clock' | 'random'>,
  caller: Caller,
  relay: Relay,
  { method, body }: { readonly method: M; readonly body: Body<M> },
): Promise<Answer<M>> {
  const { did } = await relay.info()
  return relay.call(method, signCall(caller, { relay: did, method, body, nonce: ctx.random(16), time: ctx.clock() }))
}
