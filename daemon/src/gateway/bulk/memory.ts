import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { bytes, decodeAs, int, object } from '@keepwell/sdk/base/shape'
import { hkdf, hmacSha256 } from '@keepwell/sdk/crypto/hash'
import { aeadOpen } from '@keepwell/sdk/crypto/open'
import { aeadSeal } from '@keepwell/sdk/crypto/seal'
import { isObject } from '@keepwell/sdk/health/fhir/read'

/** What exports took of one record: by `Type/id`, 0, or since when it is known to be gone (Unix seconds). */
export type Taken = Map<string, number>

/**
 * The names of what left in earlier exports, so that a later one can say what is gone since: whoever keeps a copy learns that it was erased. Names
 * alone, sealed, one file for each caller and patient, and away with the patient's consent.
 */
export type Memory = {
  read(owner: string, patient: string): Promise<Taken>
  write(owner: string, patient: string, taken: Taken): Promise<void>
  forget(patient: string): Promise<void>
  /** Forgets everybody but these. */
  keep(patients: readonly string[]): Promise<void>
}

export type MemoryInput = {
  readonly dir: string
  readonly secret: Uint8Array
  readonly random: (length: number) => Uint8Array
  readonly readFile: (path: string) => Promise<Uint8Array | null>
  readonly writeFile: (path: string, bytes: Uint8Array) => Promise<void>
}

/** Names of one record; of a larger one what is beyond is not remembered. */
const MOST = 250_000

const file = object({ v: int(1, 1), nonce: bytes(12), sealed: bytes({ max: 1 << 26 }) })

export function openMemory({ dir, secret, random, readFile, writeFile }: MemoryInput): Memory {
  const key = hkdf(secret, new Uint8Array(0), utf8('keepwell/v1/bulk-memory'), 32)
  const named = (what: string): string => toHex(hmacSha256(key, utf8(what)))
  const folder = (patient: string): string => join(dir, named(`patient ${patient}`))
  const place = (owner: string, patient: string) => {
    const name = `${named(`owner ${owner}`)}.sealed`
    return { path: join(folder(patient), name), aad: utf8(`keepwell/v1/bulk-memory/${patient}/${name}`) }
  }
  return {
    async read(owner, patient) {
      const { path, aad } = place(owner, patient)
      const found = await readFile(path)
      if (!found) return new Map()
      try {
        const { nonce, sealed } = decodeAs(file, found)
        const told: unknown = JSON.parse(text(await aeadOpen({ key, nonce, aad, ciphertext: sealed })))
        return new Map(isObject(told) ? Object.entries(told).map(([name, at]) => [name, Number(at)]) : [])
      } catch (e) {
        // A file that is damaged says nothing; the next export begins it anew.
        if (isKeepwellError(e)) return new Map()
        throw e
      }
    },
    async write(owner, patient, taken) {
      const { path, aad } = place(owner, patient)
      const nonce = random(12)
      const told = Object.fromEntries([...taken].slice(0, MOST))
      const sealed = await aeadSeal({ key, nonce, aad, plaintext: utf8(JSON.stringify(told)) })
      await mkdir(folder(patient), { recursive: true, mode: 0o700 })
      await writeFile(path, encode({ v: 1, nonce, sealed }))
    },
    forget: patient => rm(folder(patient), { recursive: true, force: true }),
    async keep(patients) {
      const known = new Set(patients.map(p => named(`patient ${p}`)))
      const there = await readdir(dir).catch(() => [])
      for (const name of there) if (!known.has(name)) await rm(join(dir, name), { recursive: true, force: true })
    },
  }
}
