import { concat, toHex, utf8 } from '#base/bytes'
import { sha256 } from './hash.ts'

const DOMAIN = utf8('keepwell/name-uuid/1\0')

/** The UUID of a name: version 8 of RFC 9562 §5.8 over SHA-256. The same name gives the same UUID, on every device. */
export function nameUuid(name: string): string {
  const bytes = sha256(concat(DOMAIN, utf8(name.toWellFormed()))).slice(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
