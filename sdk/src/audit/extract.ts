import { concat, fromBase64Url, text, toBase64Url, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { bool, bytes, decodeAs, type Infer, int, list, nullable, object, oneOf, optional, string, union } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { bundle } from '#identity/bundle'
import { address, did } from '#identity/did'
import { signed } from '#identity/signed'
import { headWritten, logHead } from './head.ts'
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
  anchored: nullable(object({ size: int(1), time: int(), root: bytes(32), proof: path, written: optional(headWritten) })),
})

/** At most so many entries are in one part. */
export const MOST_LINES = 500

/**
 * Part of an organisation's trail for a stranger to check alone: what was looked for, what was found, and what proves it. Of many entries there are
 * several, each over the word of the one before.
 */
export const extract = object({
  v: int(1, 1),
  holder: did,
  name: string(200),
  madeAt: int(),
  asked: string(4000),
  /** Counted from 1; `before` is the hash in the word of the one before. */
  part: object({ number: int(1), before: nullable(bytes(32)), last: bool }),
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

const FORMAT = 'keepwell-extract/2'
const ABOUT =
  'Part of an organisation’s trail of who opened health records, signed by it, with what proves it. Check it with: keepwell verify FILE. It holds no health data; it names people, purposes and times.'

/** A file is a line that says what it is, and a line for each part. */
export const extractHead = (): Uint8Array => utf8(`${JSON.stringify({ format: FORMAT, about: ABOUT })}\n`)
export const extractPart = (e: SignedExtract): Uint8Array => utf8(`${toBase64Url(encode(e))}\n`)

/** Longer than what a part of {@link MOST_LINES} has, bytes. */
const LONGEST = 64 << 20

/** The parts of a file, of which one is held at a time; null for a file of another kind. Reading them throws UNREADABLE where it is damaged. */
export async function readExtract(chunks: AsyncIterable<Uint8Array>): Promise<AsyncGenerator<SignedExtract> | null> {
  const lines = linesOf(chunks)
  const first = await lines.next()
  return first.done || !isHead(first.value) ? null : partsOf(lines)
}

function isHead(line: string): boolean {
  try {
    return (JSON.parse(line) as { format?: unknown } | null)?.format === FORMAT
  } catch {
    return false
  }
}

async function* partsOf(lines: AsyncIterable<string>): AsyncGenerator<SignedExtract> {
  for await (const line of lines) {
    let part: SignedExtract
    try {
      part = decodeAs(signedExtract, fromBase64Url(line))
    } catch (cause) {
      throw new KeepwellError('UNREADABLE', 'The file is damaged: it is no part of a trail with proofs.', { cause })
    }
    yield part
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield text(concat(...rest, chunk.subarray(from, end)))
      rest = []
      size = 0
      from = end + 1
    }
    rest.push(chunk.slice(from))
    size += chunk.length - from
    ensure(size <= LONGEST, 'UNREADABLE', 'The file is no part of a trail with proofs.')
  }
  if (size) yield text(concat(...rest))
}
