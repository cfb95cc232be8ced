import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { bytes, decodeAs, int, object, string } from '@keepwell/sdk/base/shape'
import { hkdf, hmacSha256 } from '@keepwell/sdk/crypto/hash'
import { aeadOpen } from '@keepwell/sdk/crypto/open'
import { aeadSeal } from '@keepwell/sdk/crypto/seal'

/** What keeps sealed files, by name. */
export type Drawer = {
  names(): Promise<readonly string[]>
  bytes(): Promise<number>
  write(name: string, bytes: Uint8Array): Promise<void>
  read(name: string): Promise<Uint8Array | null>
  remove(name: string): Promise<void>
}

export type Quarantine = {
  put(file: Uint8Array, reason: string): Promise<void>
  names(): Promise<readonly string[]>
  /** Null when there is no such file. Throws OPEN_FAILED. */
  open(name: string): Promise<{ readonly file: Uint8Array; readonly reason: string } | null>
  drop(name: string): Promise<void>
  /** How many were put there since the start, and how many of them found no room. */
  readonly counts: { readonly put: number; readonly full: number }
}

const MOST_FILES = 10_000
const MOST_BYTES = 4 * 2 ** 30
const LARGEST = 2 ** 30

const kept = object({ v: int(1, 1), reason: string(1000), file: bytes({ max: LARGEST }) })
const sealedFile = object({ v: int(1, 1), nonce: bytes(12), sealed: bytes({ max: LARGEST + 4096 }) })

/**
 * Files that could not be understood, as they came, with the reason: sealed, one each, named by a keyed hash, so that the same file sent again
 * takes no more room. When the drawer is full nothing more is put there, and that is counted; the sender was told of the failure either way.
 */
export function quarantine(drawer: Drawer, secret: Uint8Array, random: (length: number) => Uint8Array): Quarantine {
  const key = hkdf(secret, new Uint8Array(0), utf8('keepwell/v1/dicom-quarantine'), 32)
  const counts = { put: 0, full: 0 }
  return {
    counts,
    names: drawer.names,
    async put(file, reason) {
      counts.put++
      const full = (await drawer.names()).length >= MOST_FILES || (await drawer.bytes()) + file.length > MOST_BYTES
      if (full) return void counts.full++
      const name = `${toHex(hmacSha256(key, file))}.sealed`
      const nonce = random(12)
      const sealed = await aeadSeal({ key, nonce, aad: utf8(name), plaintext: encode({ v: 1, reason: reason.slice(0, 1000), file }) })
      await drawer.write(name, encode({ v: 1, nonce, sealed }))
    },
    drop: drawer.remove,
    async open(name) {
      const found = await drawer.read(name)
      if (!found) return null
      const { nonce, sealed } = decodeAs(sealedFile, found)
      return decodeAs(kept, await aeadOpen({ key, nonce, aad: utf8(name), ciphertext: sealed }))
    },
  }
}
