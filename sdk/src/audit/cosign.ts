import { concat, toBase64, toHex, u64be, utf8 } from '#base/bytes'
import { bytes, type Infer, int, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { native } from '#crypto/native/platform'
import type { LogHeadMessage } from './head.ts'

// C2SP tlog-checkpoint and tlog-cosignature: what witnesses of other logs sign, so that their tools verify ours.

/** The name of a relay's log among all logs: the chain that its head is anchored on, and its key. */
export const logOrigin = (chainId: number, log: string): string => `keepwell.v1/${chainId}/${log}`

/** A head as the body of a C2SP checkpoint. */
export const checkpointOf = (chainId: number, m: Pick<LogHeadMessage, 'log' | 'size' | 'root'>): string =>
  `${logOrigin(chainId, m.log)}\n${m.size}\n${toBase64(m.root)}\n`

const COSIGNATURE = Uint8Array.of(4)
const cosigned = (time: number, body: string): Uint8Array => utf8(`cosignature/v1\ntime ${time}\n${body}`)
const keyId = (name: string, key: Uint8Array): Uint8Array => sha256(utf8(`${name}\n`), COSIGNATURE, key).slice(0, 4)

export const witnessName = string(200, /^[^\s+]+$/u)

/** Who cosigns: a name, and the public half of its Ed25519 key. */
export const witnessKey = object({ name: witnessName, key: bytes(32) })
export type WitnessKey = Infer<typeof witnessKey>

/** The witness of a 32-byte seed. */
export const witnessOf = async (name: string, seed: Uint8Array): Promise<WitnessKey> => ({
  name,
  key: (await native.ed25519Signer(seed)).public,
})

/** A witness has seen this checkpoint at that time (Unix seconds), and every one that it cosigned before is its beginning. */
export const cosignature = object({ time: int(1), signature: bytes(64) })
export type Cosignature = Infer<typeof cosignature>

export async function cosign(seed: Uint8Array, time: number, body: string): Promise<Cosignature> {
  return { time, signature: await (await native.ed25519Signer(seed)).sign(cosigned(time, body)) }
}

/** False for anything malformed. */
export async function verifyCosignature({ key }: WitnessKey, body: string, c: Cosignature): Promise<boolean> {
  try {
    return await (await native.ed25519Verifier(key))(cosigned(c.time, body), c.signature)
  } catch {
    return false
  }
}

/** The verifier key as the field writes it: `name+hash+key`. */
export const verifierKey = ({ name, key }: WitnessKey): string => `${name}+${toHex(keyId(name, key))}+${toBase64(concat(COSIGNATURE, key))}`

/** The line under a checkpoint: `— name signature`. */
export const cosignatureLine = ({ name, key }: WitnessKey, c: Cosignature): string =>
  `— ${name} ${toBase64(concat(keyId(name, key), u64be(c.time), c.signature))}\n`
