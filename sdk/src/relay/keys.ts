import type { RandomBytes } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, decodeAs, type Infer, int, object } from '#base/shape'
import { kemKeyPair } from '#crypto/kem'
import { secpAddress } from '#crypto/secp'
import { signingPublic } from '#crypto/sign'
import { type Bundle, bundle, bundleMessage, endorseBundle } from '#identity/bundle'
import { makeDid } from '#identity/did'
import { peek, sign, signedHash } from '#identity/signed'
import type { Manifest } from '#ports/ledger'
import type { RelayKeys } from './context.ts'

/** What an operator keeps: 32-byte secrets and the bundle that announces their public halves. There is no inbox secret: a relay opens nothing. */
export const relaySecrets = object({
  v: int(1, 1),
  chainId: int(1),
  controller: bytes(32),
  request: bytes(32),
  signing: object({ ed25519: bytes(32), mldsa65: bytes(32) }),
  mac: bytes(32),
  bundle,
})
export type RelaySecrets = Infer<typeof relaySecrets>

export const encodeRelaySecrets = (s: RelaySecrets): Uint8Array => encode(s)
export const decodeRelaySecrets = (b: Uint8Array): RelaySecrets => decodeAs(relaySecrets, b)

type Place = { readonly url: string; readonly manifest: Manifest; readonly now: number }
type Signing = Omit<RelaySecrets, 'bundle' | 'v'>

type New = Place & { readonly chainId: number; readonly request?: Uint8Array }

/** New keys for a relay on a chain. The request key is also the log's key and the ledger account, and may have served there already. */
export async function newRelaySecrets(place: New, random: RandomBytes): Promise<RelaySecrets> {
  const secrets: Signing = {
    chainId: place.chainId,
    controller: random(32),
    request: place.request ?? random(32),
    signing: { ed25519: random(32), mldsa65: random(32) },
    mac: random(32),
  }
  const inbox = (await kemKeyPair(random(32))).public
  return { v: 1, ...secrets, bundle: await announce(secrets, place, { version: 1, prev: null, inbox }) }
}

/** The same keys under a bundle that names this URL and manifest: the one there is, or the next version when the relay moved. */
export async function movedTo(secrets: RelaySecrets, place: Place): Promise<RelaySecrets> {
  const m = peek(secrets.bundle.signed, bundleMessage)
  const same = m.relays.length === 1 && m.relays[0] === place.url && sameManifest(m.manifest, place.manifest)
  if (same) return secrets
  const next = { version: m.version + 1, prev: signedHash(secrets.bundle.signed), inbox: m.inbox }
  return { ...secrets, bundle: await announce(secrets, place, next) }
}

const sameManifest = (a: Manifest, b: Manifest): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, address]) => b[name] === address)

export function relayKeys(secrets: RelaySecrets): RelayKeys {
  const { signer, version } = secrets.bundle.signed
  return { did: signer, version, signing: secrets.signing, request: secrets.request, bundle: secrets.bundle, mac: secrets.mac }
}

type Next = { readonly version: number; readonly prev: Uint8Array | null; readonly inbox: Uint8Array }

async function announce(secrets: Signing, place: Place, next: Next): Promise<Bundle> {
  const did = makeDid(secrets.chainId, secpAddress(secrets.controller))
  const keys = await signingPublic(secrets.signing)
  const message = {
    v: 1,
    did,
    ...next,
    ...keys,
    request: secpAddress(secrets.request),
    relays: [place.url],
    manifest: place.manifest,
    issuedAt: place.now,
  }
  return endorseBundle(secrets.controller, await sign({ did, version: next.version, signing: secrets.signing }, 'bundle', message))
}
