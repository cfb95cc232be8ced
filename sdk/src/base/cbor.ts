import * as cborg from 'cborg'
import { KeepwellError } from './error.ts'

const MAX_DEPTH = 32

/** RFC 8949 §4.2.1: map keys sorted by their encoded bytes. All our keys are text, so: shorter first, then bytewise. */
const encodeOptions = cborg.rfc8949EncodeOptions

/**
 * Deterministic CBOR (RFC 8949 §4.2). Takes null, booleans, safe integers, bigints below 2^64, text, bytes, arrays and plain
 * objects with text keys; `undefined` members are left out; floats are refused, for nothing in the protocol needs one.
 */
export function encode(value: unknown): Uint8Array {
  return cborg.encode(clean(value, 0), encodeOptions) as Uint8Array
}

/** Decodes deterministic CBOR and nothing else; throws BAD_CBOR. Byte strings are copies of nothing: they view the input. */
export function decode(bytes: Uint8Array): unknown {
  try {
    const value = cborg.decode(bytes, {
      strict: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: true,
    })
    const again = encode(value)
    if (again.length !== bytes.length || !again.every((b, i) => b === bytes[i])) throw new Error('not in deterministic form')
    return value
  } catch (cause) {
    throw new KeepwellError('BAD_CBOR', 'The bytes are not deterministic CBOR.', { cause })
  }
}

function clean(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new KeepwellError('BAD_CBOR', `Nested deeper than ${MAX_DEPTH}.`)
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || value instanceof Uint8Array) return value
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new KeepwellError('BAD_CBOR', 'Only safe integers are encoded.')
    return value
  }
  if (Array.isArray(value)) return value.map(v => clean(v, depth + 1))
  if (typeof value === 'object') {
    const out: Record<string, unknown> = {}
    for (const [k, v] of Object.entries(value)) if (v !== undefined) out[k] = clean(v, depth + 1)
    return out
  }
  throw new KeepwellError('BAD_CBOR', `A ${typeof value} has no encoding.`)
}
