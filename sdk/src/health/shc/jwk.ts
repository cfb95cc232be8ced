import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { fromBase64Url, toBase64Url, utf8 } from '#base/bytes'
import { at, field, list, string } from '#health/fhir/read'

/** An issuer's public key as SMART Health Cards want it: P-256, for ES256 signatures, named by its own thumbprint (RFC 7638). */
export type IssuerKey = { readonly kid: string; readonly x: string; readonly y: string }
export type IssuerSecret = IssuerKey & { readonly d: Uint8Array }

const COORDINATE = /^[A-Za-z0-9_-]{43}$/

export const thumbprint = (x: string, y: string): string => toBase64Url(sha256(utf8(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)))

/** The keys of a JWK set that may sign cards; those of another kind, with a private half, or with a name that is not theirs, are left out. */
export function issuerKeys(jwks: unknown): IssuerKey[] {
  return list(field(jwks, 'keys')).flatMap(k => {
    const [x, y, kid] = [string(field(k, 'x')), string(field(k, 'y')), string(field(k, 'kid'))]
    const right = field(k, 'kty') === 'EC' && field(k, 'crv') === 'P-256' && field(k, 'use') === 'sig' && field(k, 'alg') === 'ES256'
    if (!right || field(k, 'd') !== undefined || !x || !y || !COORDINATE.test(x) || !COORDINATE.test(y)) return []
    return kid === thumbprint(x, y) ? [{ kid, x, y }] : []
  })
}

/** What an issuer publishes at `<iss>/.well-known/jwks.json`. */
export const jwksOf = (keys: readonly IssuerKey[]): unknown => ({
  keys: keys.map(({ kid, x, y }) => ({ kty: 'EC', kid, use: 'sig', alg: 'ES256', crv: 'P-256', x, y })),
})

/** @param d 32 bytes, drawn at random by the caller. */
export function issuerSecret(d: Uint8Array): IssuerSecret {
  const point = p256.getPublicKey(d, false)
  const [x, y] = [toBase64Url(point.slice(1, 33)), toBase64Url(point.slice(33))]
  return { kid: thumbprint(x, y), x, y, d }
}

/** 64 bytes, r ‖ s (RFC 7518 §3.4); deterministic (RFC 6979). */
export const es256Sign = (message: Uint8Array, { d }: IssuerSecret): Uint8Array => p256.sign(message, d, { lowS: false })

export function es256Verify(signature: Uint8Array, message: Uint8Array, { x, y }: IssuerKey): boolean {
  try {
    const point = new Uint8Array(65)
    point[0] = 4
    point.set(fromBase64Url(x), 1)
    point.set(fromBase64Url(y), 33)
    return signature.length === 64 && p256.verify(signature, message, point, { lowS: false })
  } catch {
    return false
  }
}

/** Revocation list of one key (`<iss>/.well-known/crl/<kid>.json`): names of cards, each perhaps only those issued before a time. */
export function isRevoked(crl: unknown, card: { readonly kid: string; readonly rid: string | undefined; readonly nbf: number }): boolean {
  if (!card.rid || at(crl, 'kid') !== card.kid || at(crl, 'method') !== 'rid') return false
  return list(field(crl, 'rids')).some(entry => {
    const [rid, before] = String(entry).split('.')
    return rid === card.rid && (before === undefined || card.nbf < Number(before))
  })
}
