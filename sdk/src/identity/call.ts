import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import { bytes, type Infer, int, object, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { recoverTypedData, signTypedData } from '#crypto/secp'
import { type Did, did, parseDid } from './did.ts'

/** A request to a relay, signed by the caller's request key over EIP-712, so that any wallet could have made it. */
export const call = object({
  v: int(1, 1),
  relay: did,
  from: did,
  version: int(1, 0xffffffff),
  method: string(40, /^[a-z-]+$/),
  body: bytes({ max: 16 << 20 }),
  nonce: bytes(16),
  time: int(),
  signature: string(132, /^0x[0-9a-f]{130}$/),
})
export type Call = Infer<typeof call>

/**
 * What is kept of a call to prove that it was made: the signature covers the body by its SHA-256, so the body may be left out. It
 * must be left out where it carries sealed keys, for what is kept is not erased with them.
 */
export const callProof = object({
  v: int(1, 1),
  relay: did,
  from: did,
  version: int(1, 0xffffffff),
  method: string(40, /^[a-z-]+$/),
  body: optional(bytes({ max: 1 << 18 })),
  bodyHash: bytes(32),
  nonce: bytes(16),
  time: int(),
  signature: string(132, /^0x[0-9a-f]{130}$/),
})
export type CallProof = Infer<typeof callProof>

export function proofOf({ body, ...c }: Call, keep: { readonly body: boolean }): CallProof {
  return { ...c, ...(keep.body ? { body } : {}), bodyHash: sha256(body) }
}

const typedData = (c: Omit<CallProof, 'signature' | 'body' | 'v'>) => ({
  domain: { name: 'Keepwell', version: '1', chainId: parseDid(c.relay).chainId },
  types: {
    Call: [
      { name: 'relay', type: 'string' },
      { name: 'from', type: 'string' },
      { name: 'version', type: 'uint32' },
      { name: 'method', type: 'string' },
      { name: 'body', type: 'bytes32' },
      { name: 'nonce', type: 'bytes16' },
      { name: 'time', type: 'uint64' },
    ],
  },
  primaryType: 'Call',
  message: {
    relay: c.relay,
    from: c.from,
    version: BigInt(c.version),
    method: c.method,
    body: `0x${toHex(c.bodyHash)}`,
    nonce: `0x${toHex(c.nonce)}`,
    time: BigInt(c.time),
  },
})

/** Who calls: its DID, bundle version and request key. */
export type Caller = { readonly did: Did; readonly version: number; readonly request: Uint8Array }

export function signCall(caller: Caller, input: { relay: Did; method: string; body: unknown; nonce: Uint8Array; time: number }): Call {
  const unsigned = {
    v: 1 as const,
    relay: input.relay,
    from: caller.did,
    version: caller.version,
    method: input.method,
    body: encode(input.body),
    nonce: input.nonce,
    time: input.time,
  }
  return { ...unsigned, signature: signTypedData(caller.request, typedData({ ...unsigned, bodyHash: sha256(unsigned.body) })) }
}

/** Throws BAD_SIGNATURE unless `requestAddress` signed this very call. Freshness and replay are the relay's to check. */
export const verifyCall = (c: Call, requestAddress: string): void => verifyProof(proofOf(c, { body: false }), requestAddress)

/** The same for what was kept of a call; a body that is there must be the one that was signed. */
export function verifyProof(p: CallProof, requestAddress: string): void {
  const whole = p.body === undefined || equal(sha256(p.body), p.bodyHash)
  if (!whole || recoverTypedData(typedData(p), p.signature) !== requestAddress)
    throw new KeepwellError('BAD_SIGNATURE', `The request is not signed by the request key of ${p.from}.`)
}

/** What a receipt refers to: one hash for the whole signed request, its body by hash. */
export const callHash = ({ body: _body, ...p }: CallProof): Uint8Array => sha256(encode(p))
