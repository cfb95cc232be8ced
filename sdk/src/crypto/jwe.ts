/** Compact JWE (RFC 7516) under a key both sides have: alg dir, enc A256GCM, perhaps zip DEF. The form of files in SMART Health Links. */
import { deflateSync, Inflate } from 'fflate'
import { concat, fromBase64Url, type RandomBytes, toBase64Url, utf8 } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { aeadOpen } from './open.ts'
import { aeadSeal } from './seal.ts'

const TAG = 16

export type JweInput = { readonly key: Uint8Array; readonly type: string; readonly body: Uint8Array; readonly random: RandomBytes }

/** A key serves for many files, each under a nonce of its own. The body is deflated, as FHIR is mostly repetition. */
export async function sealJwe({ key, type, body, random }: JweInput): Promise<string> {
  const header = toBase64Url(utf8(JSON.stringify({ alg: 'dir', enc: 'A256GCM', zip: 'DEF', cty: type })))
  const nonce = random(12)
  const sealed = await aeadSeal({ key, nonce, aad: utf8(header), plaintext: deflateSync(body, { level: 9 }) })
  return [header, '', toBase64Url(nonce), toBase64Url(sealed.subarray(0, -TAG)), toBase64Url(sealed.subarray(-TAG))].join('.')
}

export type OpenedJwe = { readonly type: string | null; readonly body: Uint8Array }

const wrong = (cause?: unknown): KeepwellError =>
  new KeepwellError('OPEN_FAILED', 'The file does not open with this link’s key, or was altered.', { cause })

/** Throws OPEN_FAILED for another key or form, TOO_LARGE when it unpacks to more than `max` bytes. */
export async function openJwe(jwe: string, key: Uint8Array, max: number): Promise<OpenedJwe> {
  const parts = jwe.trim().split('.')
  if (parts.length !== 5 || parts[1] !== '') throw wrong()
  const [head, , nonce, sealed, tag] = parts.map(decoded) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const header = headerOf(head)
  if (header.alg !== 'dir' || header.enc !== 'A256GCM' || header.crit !== undefined || nonce.length !== 12 || tag.length !== TAG)
    throw wrong()
  if (header.zip !== undefined && header.zip !== 'DEF') throw wrong()
  const plain = await aeadOpen({ key, nonce, aad: utf8(parts[0]!), ciphertext: concat(sealed, tag) }).catch(cause => {
    throw wrong(cause)
  })
  if (plain.length > max) throw tooLarge(max)
  return { type: typeof header.cty === 'string' ? header.cty : null, body: header.zip ? inflated(plain, max) : plain }
}

const tooLarge = (max: number): KeepwellError => new KeepwellError('TOO_LARGE', `A file in the link is larger than ${max} bytes.`)

function decoded(part: string): Uint8Array {
  try {
    const bytes = fromBase64Url(part)
    // One spelling for each value (RFC 4648 §3.5): bits that say nothing are zero.
    if (toBase64Url(bytes) === part) return bytes
  } catch (cause) {
    throw wrong(cause)
  }
  throw wrong()
}

function headerOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (cause) {
    throw wrong(cause)
  }
  throw wrong()
}

function inflated(bytes: Uint8Array, max: number): Uint8Array {
  const parts: Uint8Array[] = []
  let size = 0
  let ended = false
  const inflate = new Inflate((part, final) => {
    size += part.length
    if (size > max) throw tooLarge(max)
    parts.push(part)
    ended = final
  })
  try {
    for (let at = 0; at < bytes.length; at += 4096) inflate.push(bytes.subarray(at, at + 4096), at + 4096 >= bytes.length)
  } catch (e) {
    throw e instanceof KeepwellError ? e : wrong(e)
  }
  if (!ended) throw wrong()
  return concat(...parts)
}
