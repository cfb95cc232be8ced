import { fromBase64Url, text, toBase64Url, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, list, nullable, object, oneOf, optional, string, union } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { bundle } from '#identity/bundle'
import { address, did } from '#identity/did'
import { signed } from '#identity/signed'
import { logHead } from './head.ts'
import { ACTIONS, type ReceiptMessage, receipt } from './receipt.ts'

const path = list(bytes(32), 64)

/** One entry of an organisation's trail, in its own words. */
export const extractLine = object({
  /** Its number there. */
  n: int(1),
  at: int(),
  person: string(200),
  role: string(200),
  purpose: string(20),
  client: optional(string(2000)),
  /** As the organisation numbers its patients; null when it is about nobody alone. */
  patient: nullable(string(64)),
  action: oneOf(...ACTIONS),
  refused: optional(string(4000)),
  query: optional(string(4000)),
  records: list(object({ id: string(64), reference: optional(nullable(string(300))) }), 4096),
  policy: optional(object({ cid: string(100), forbids: list(string(200), 256) })),
})
export type ExtractLine = Infer<typeof extractLine>

/** What backs it: the relay's receipt with its place in the log, or the relay's word for what it took in. */
const backing = union('by', {
  receipt: object({ by: oneOf('receipt'), receipt, index: int(), path, head: logHead }),
  acceptance: object({ by: oneOf('acceptance'), acceptance: signed }),
})

/** A relay, its newest head, how each head above leads there, and what the ledger held then. */
const relay = object({
  bundle,
  chainId: int(1),
  contract: address,
  head: logHead,
  grown: list(object({ size: int(1), path }), 4096),
  anchored: nullable(object({ size: int(1), time: int(), root: bytes(32), proof: path })),
})

/** At most so many entries are in one file. */
export const MOST_LINES = 2000

/** Part of an organisation's trail for a stranger to check alone: what was looked for, what was found, and what proves it. */
export const extract = object({
  v: int(1, 1),
  holder: did,
  name: string(200),
  madeAt: int(),
  asked: string(4000),
  /** Keys of the organisation: those that signed the file, first, and those that signed its requests. */
  bundles: list(bundle, 64),
  relays: list(relay, 256),
  lines: list(object({ line: extractLine, backing: optional(backing) }), MOST_LINES),
})
export type Extract = Infer<typeof extract>

/** What the organisation signs. */
export const extractWord = object({ v: int(1, 1), holder: did, madeAt: int(), hash: bytes(32) })
export const wordOf = (e: Extract): Infer<typeof extractWord> => ({ v: 1, holder: e.holder, madeAt: e.madeAt, hash: sha256(encode(e)) })

const signedExtract = object({ extract, signature: signed })
export type SignedExtract = Infer<typeof signedExtract>

type Telling = Pick<ExtractLine, 'at' | 'person' | 'role' | 'purpose' | 'action'> & {
  readonly refused?: string
  readonly records: readonly { readonly id: string }[]
}

/** Whether an entry is what a receipt says: when, who, why, what, and whether it was refused. */
export const tells = (line: Telling, m: ReceiptMessage): boolean =>
  line.at === m.time &&
  line.person === m.person &&
  line.role === m.role &&
  line.purpose === m.purpose &&
  line.action === m.action &&
  (line.refused === undefined) === (m.verdict === 'allowed') &&
  line.records.length === m.ids.length &&
  line.records.every((r, i) => r.id === toHex(m.ids[i]!))

const FORMAT = 'keepwell-extract/1'
const ABOUT =
  'Part of an organisation’s trail of who opened health records, signed by it, with what proves it. Check it with: keepwell verify FILE. It holds no health data; it names people, purposes and times.'

/** As a file. */
export const extractFile = (e: SignedExtract): Uint8Array =>
  utf8(`${JSON.stringify({ format: FORMAT, about: ABOUT, proof: toBase64Url(encode(e)) }, null, 1)}\n`)

/** Null for a file of another kind; throws UNREADABLE for one that is damaged. */
export function readExtractFile(file: Uint8Array): SignedExtract | null {
  try {
    const { format, proof } = JSON.parse(text(file)) as { format?: unknown; proof?: unknown }
    return format === FORMAT && typeof proof === 'string' ? decodeAs(signedExtract, fromBase64Url(proof)) : null
  } catch (cause) {
    if (cause instanceof SyntaxError) return null
    throw new KeepwellError('UNREADABLE', 'The file is damaged: it is no part of a trail with proofs.', { cause })
  }
}
