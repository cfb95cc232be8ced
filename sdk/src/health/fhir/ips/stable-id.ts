import { sha256 } from '@noble/hashes/sha2.js'
import canonicalize from 'canonicalize'
import { toHex, utf8 } from '#base/bytes'

/** A UUID (RFC 9562, version 8) out of JSON content: the same content has the same one, wherever and whenever it is made. */
export function stableId(content: unknown): string {
  const bytes = sha256(utf8(text(content))).slice(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** RFC 8785; what has no such form, for it holds half a character, counts as it is written. */
function text(content: unknown): string {
  try {
    return canonicalize(content) ?? ''
  } catch {
    return JSON.stringify(content)
  }
}
