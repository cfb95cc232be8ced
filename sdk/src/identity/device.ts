import type { RandomBytes } from '#base/bytes'
import { encode } from '#base/cbor'
import { isKeepwellError, KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, object, string } from '#base/shape'
import { kemKeyPair } from '#crypto/kem'
import { aeadOpen } from '#crypto/open'
import { deriveKey } from '#crypto/passphrase'
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

const aadOf = (f: Pick<DeviceFile, 'id' | 'vault' | 'name'>): Uint8Array => encode(['kw1/device', f.id, f.vault, f.name])

export async function newDevice(vault: Did, name: string, random: RandomBytes): Promise<Device> {
  const pair = await kemKeyPair(random(32))
  return { id: random(16), vault, name, secret: pair.secret, public: pair.public }
}

export async function sealDevice(device: Device, passphrase: string, cost: PassphraseCost, random: RandomBytes): Promise<DeviceFile> {
  const salt = random(16)
  const nonce = random(12)
  const key = await deriveKey(passphrase, { salt, ...cost })
  const { id, vault, name } = device
  const sealed = await aeadSeal({ key, nonce, aad: aadOf({ id, vault, name }), plaintext: device.secret })
  return { suite: SUITE, id, vault, name, salt, ...cost, nonce, sealed }
}

/** Throws WRONG_PASSPHRASE: a wrong passphrase and an altered file cannot be told apart, and are not. */
export async function openDevice(file: DeviceFile, passphrase: string): Promise<Device> {
  assertSuite(file.suite)
  const key = await deriveKey(passphrase, { salt: file.salt, memoryKiB: file.memoryKiB, passes: file.passes, lanes: file.lanes })
  try {
    const secret = await aeadOpen({ key, nonce: file.nonce, aad: aadOf(file), ciphertext: file.sealed })
    const pair = await kemKeyPair(secret)
    return { id: file.id, vault: file.vault, name: file.name, secret, public: pair.public }
  } catch (cause) {
    if (!isKeepwellError(cause, 'OPEN_FAILED')) throw cause
    throw new KeepwellError('WRONG_PASSPHRASE', 'The passphrase does not open this device; try again.', { cause })
  }
}

export const encodeDevice = (f: DeviceFile): Uint8Array => encode(f)
export const decodeDevice = (b: Uint8Array): DeviceFile => decodeAs(deviceFile, b)
