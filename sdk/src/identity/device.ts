import { type RandomBytes, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { type ErrorCode, ensure, isKeepwellError, KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, object, oneOf, string } from '#base/shape'
import { hkdf, sha256 } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'
import { aeadOpen } from '#crypto/open'
import { ARGON2_DEFAULTS, deriveKey } from '#crypto/passphrase'
import { aeadSeal } from '#crypto/seal'
import { assertSuite, SUITE } from '#crypto/suite'
import { type Did, did } from './did.ts'

/** A device's own key: what opens the keyring here. */
export type Device = {
  readonly id: Uint8Array
  readonly vault: Did
  readonly name: string
  readonly secret: Uint8Array
  readonly public: Uint8Array
}

/** A device at rest: its secret under a key derived from the passphrase (Argon2id, parameters alongside). */
export const deviceFile = object({
  suite: string(16),
  id: bytes(16),
  vault: did,
  name: string(80),
  salt: bytes(16),
  memoryKiB: int(1, 4 << 20),
  passes: int(1, 100),
  lanes: int(1, 16),
  nonce: bytes(12),
  sealed: bytes(48),
})
export type DeviceFile = Infer<typeof deviceFile>

export type PassphraseCost = { readonly memoryKiB: number; readonly passes: number; readonly lanes: number }
/** RFC 9106 §4's second choice: 64 MiB, 3 passes. */
export const DEFAULT_COST: PassphraseCost = { memoryKiB: 65_536, passes: 3, lanes: 1 }

/**
 * A device at rest under a passkey: its secret under HKDF of what the passkey's PRF (WebAuthn Level 3 §10.1.4) gives for `salt`.
 * `credential` says which passkey to ask for.
 */
export const passkeyFile = object({
  suite: oneOf('kw1/passkey'),
  id: bytes(16),
  vault: did,
  name: string(80),
  credential: bytes({ max: 1023 }),
  salt: bytes(32),
  nonce: bytes(12),
  sealed: bytes(48),
})
export type PasskeyFile = Infer<typeof passkeyFile>

/** Which passkey, the salt it is asked with, and the 32 bytes it answers. */
export type Passkey = { readonly credential: Uint8Array; readonly salt: Uint8Array; readonly secret: Uint8Array }

const CODE_SALT = sha256(utf8('keepwell/v1/device-code'))

/**
 * What a person compares on two screens: twelve digits of Argon2id over a device's public key. Slow on purpose: 40 bits of a plain hash
 * could be met by trying keys while the person waits.
 */
export async function deviceCode(publicKey: Uint8Array): Promise<string> {
  const hard = await deriveKey(toHex(sha256(publicKey)), { salt: CODE_SALT, ...ARGON2_DEFAULTS })
  // Six bytes, which a number holds exactly.
  const digits = String(Number.parseInt(toHex(hard.subarray(0, 6)), 16) % 1e12).padStart(12, '0')
  return digits.replace(/(\d{4})(?=\d)/g, '$1 ')
}

type Named = Pick<Device, 'id' | 'vault' | 'name'>
const aadOf = (f: Named): Uint8Array => encode(['kw1/device', f.id, f.vault, f.name])
const passkeyAad = (f: Named & Pick<Passkey, 'credential' | 'salt'>): Uint8Array =>
  encode(['kw1/passkey', f.id, f.vault, f.name, f.credential, f.salt])

export async function newDevice(vault: Did, name: string, random: RandomBytes): Promise<Device> {
  const pair = await kemKeyPair(random(32))
  return { id: random(16), vault, name, secret: pair.secret, public: pair.public }
}

export async function sealDevice(device: Device, passphrase: string, cost: PassphraseCost, random: RandomBytes): Promise<DeviceFile> {
  const salt = random(16)
  const nonce = random(12)
  const key = await deriveKey(passphrase, { salt, ...cost })
  const { id, vault, name } = device
  const sealed = await aeadSeal({ key, nonce, aad: aadOf(device), plaintext: device.secret })
  return { suite: SUITE, id, vault, name, salt, ...cost, nonce, sealed }
}

/** Throws WRONG_PASSPHRASE: a wrong passphrase and an altered file cannot be told apart, and are not. */
export async function openDevice(file: DeviceFile, passphrase: string): Promise<Device> {
  assertSuite(file.suite)
  const key = await deriveKey(passphrase, { salt: file.salt, memoryKiB: file.memoryKiB, passes: file.passes, lanes: file.lanes })
  return opened(file, { key, aad: aadOf(file) }, ['WRONG_PASSPHRASE', 'The passphrase does not open this device; try again.'])
}

/** Seals a device to a passkey; throws BAD_INPUT unless its secret and salt have 32 bytes each. */
export async function sealToPasskey(device: Device, passkey: Passkey, random: RandomBytes): Promise<PasskeyFile> {
  const { credential, salt } = passkey
  const { id, vault, name } = device
  const nonce = random(12)
  const aad = passkeyAad({ id, vault, name, credential, salt })
  const sealed = await aeadSeal({ key: passkeyKey(passkey), nonce, aad, plaintext: device.secret })
  return { suite: 'kw1/passkey', id, vault, name, credential, salt, nonce, sealed }
}

/** `secret` is what the passkey named in the file answered for its salt. Throws NO_KEY: another passkey, or an altered file. */
export async function openByPasskey(file: PasskeyFile, secret: Uint8Array): Promise<Device> {
  const key = passkeyKey({ salt: file.salt, secret })
  return opened(file, { key, aad: passkeyAad(file) }, [
    'NO_KEY',
    'This passkey does not open this device; choose the one it was made with.',
  ])
}

/** The PRF's answer may serve other sites' rules than ours, so it is never a key itself. */
function passkeyKey({ salt, secret }: Pick<Passkey, 'salt' | 'secret'>): Uint8Array {
  ensure(secret.length === 32 && salt.length === 32, 'BAD_INPUT', 'A passkey answers with 32 bytes to a salt of 32 bytes.')
  return hkdf(secret, salt, utf8('keepwell/v1/passkey'), 32)
}

type Sealed = Named & { readonly nonce: Uint8Array; readonly sealed: Uint8Array }

async function opened(file: Sealed, by: { key: Uint8Array; aad: Uint8Array }, refusal: readonly [ErrorCode, string]): Promise<Device> {
  try {
    const secret = await aeadOpen({ ...by, nonce: file.nonce, ciphertext: file.sealed })
    const pair = await kemKeyPair(secret)
    return { id: file.id, vault: file.vault, name: file.name, secret, public: pair.public }
  } catch (cause) {
    if (!isKeepwellError(cause, 'OPEN_FAILED')) throw cause
    throw new KeepwellError(...refusal, { cause })
  }
}

export const encodeDevice = (f: DeviceFile): Uint8Array => encode(f)
export const decodeDevice = (b: Uint8Array): DeviceFile => decodeAs(deviceFile, b)
