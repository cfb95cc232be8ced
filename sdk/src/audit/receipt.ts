import { encode } from '#base/cbor'
import { bytes, decodeAs, type Infer, int, list, object, oneOf, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { leafHash } from '#crypto/merkle'
import { callProof } from '#identity/call'
import { did } from '#identity/did'
import { type Signed, signed } from '#identity/signed'

export const ACTIONS = ['list', 'view', 'create', 'update', 'share', 'revoke', 'export', 'erase', 'emergency', 'deny'] as const
export type Action = (typeof ACTIONS)[number]

/** One opening (or refusal), numbered without gaps per vault and relay (protocol §6). `request` is the hash of the signed call. */
export const receiptMessage = object({
  v: int(1, 1),
  vault: did,
  relay: did,
  seq: int(1),
  prev: bytes(32),
  actor: did,
  person: optional(string(200)),
  role: optional(string(80)),
  action: oneOf(...ACTIONS),
  grant: optional(bytes(32)),
  compartments: list(bytes(16), 256),
  ids: list(bytes(16), 4096),
  purpose: string(20),
  nonce: bytes(16),
  time: int(),
  verdict: oneOf('allowed', 'denied'),
  reasons: list(string(40), 16),
  request: bytes(32),
  salt: bytes(32),
})
export type ReceiptMessage = Infer<typeof receiptMessage>

/** A receipt whole: the relay's signed statement and the reader's own signed request, without a body that carries sealed keys. */
export const receipt = object({ signed, call: callProof })
export type Receipt = Infer<typeof receipt>

/** A relay's word for what it took in: the first write number, how many, and the root over them (protocol §2). */
export const acceptanceMessage = object({
  v: int(1, 1),
  vault: did,
  relay: did,
  seq: int(1),
  count: int(),
  root: bytes(32),
  at: int(),
  salt: bytes(32),
})

export const encodeReceipt = (r: Receipt): Uint8Array => encode(r)
export const decodeReceipt = (b: Uint8Array): Receipt => decodeAs(receipt, b)
export const readReceipt = (s: Signed): ReceiptMessage => decodeAs(receiptMessage, s.message)

/** Hash of a receipt's message: salted by its own salt, so its log leaf hides it. */
export const receiptHash = (s: Signed): Uint8Array => sha256(s.message)
export const receiptLeaf = (s: Signed): Uint8Array => leafHash(receiptHash(s))
export const NO_RECEIPT = new Uint8Array(32)

/** A receipt sealed to the vault's inbox key, with its place in the relay's log. */
export const sealedReceipt = object({
  vault: did,
  relay: did,
  seq: int(1),
  index: int(),
  hash: bytes(32),
  enc: bytes(1120),
  sealed: bytes({ max: 1 << 20 }),
})
export type SealedReceipt = Infer<typeof sealedReceipt>

export const receiptInfo = (vault: string): Uint8Array => encode(['kw1/receipt', vault])
export const receiptAad = (r: Pick<SealedReceipt, 'relay' | 'seq' | 'hash'>): Uint8Array => encode([r.relay, r.seq, r.hash])

/** What an honest reader leaves at another relay of the vault: the receipt, sealed to the vault's inbox key (threat T33). */
export const receiptCopy = object({ enc: bytes(1120), sealed: bytes({ max: 1 << 18 }) })
export const copyInfo = (vault: string): Uint8Array => encode(['kw1/receipt-copy', vault])
