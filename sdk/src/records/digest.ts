import { utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, decodeAs, type Infer, int, list, object, optional, string } from '#base/shape'

/** Raised whenever more or other things are gathered; entries of another version are gathered again. */
export const DIGEST_VERSION = 1

const code = object({ system: string(200), code: string(100), display: optional(string(160)) })
const measure = object({
  codes: list(code, 4),
  name: string(160),
  value: optional(string(40)),
  comparator: optional(string(2)),
  unit: optional(string(60)),
  ucum: optional(string(60)),
  low: optional(string(40)),
  high: optional(string(40)),
  rangeUnit: optional(string(60)),
  flag: optional(string(8)),
  text: optional(string(200)),
})
const rest = object({
  measures: list(measure, 64),
  particulars: list(object({ name: string(40), text: string(300) }), 24),
})
/** What a device remembers of a record's content: words for search, measured values, particulars for the summary. */
export type Digest = Infer<typeof rest> & { text: string }

type Frozen<T> = T extends readonly (infer U)[] ? readonly Frozen<U>[] : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/** A digest as the catalog keeps it: its parts are read only when they are needed, so that opening a large catalog stays quick. */
export const packedDigest = object({
  v: int(),
  text: bytes({ max: 80_000 }),
  rest: bytes({ max: 128 << 10 }),
  /** Of the reader that the words come from, where the core cannot read such a document itself. */
  reader: optional(int()),
})
export type PackedDigest = Infer<typeof packedDigest>

export const packDigest = ({ text, ...more }: Frozen<Digest>): PackedDigest => ({ v: DIGEST_VERSION, text: utf8(text), rest: encode(more) })

type Remembering = { readonly digest?: PackedDigest }

const decoder = new TextDecoder()
/** The words for search alone; empty when there are none. */
export const readWords = ({ digest: packed }: Remembering): string => (packed?.v === DIGEST_VERSION ? decoder.decode(packed.text) : '')

/** Null when there is none, or one of another version. */
export const readDigest = (e: Remembering): Digest | null =>
  e.digest?.v === DIGEST_VERSION ? { text: readWords(e), ...decodeAs(rest, e.digest.rest) } : null
