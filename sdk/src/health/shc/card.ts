/** SMART Health Cards (https://spec.smarthealth.cards, 1.4): FHIR content signed by its issuer, small enough for a code on paper. */
import { deflateSync, Inflate } from 'fflate'
import { fromBase64Url, toBase64Url, utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { at, field, isObject, type JsonObject, list, string } from '#health/fhir/read'
import { es256Sign, es256Verify, type IssuerKey, type IssuerSecret } from './jwk.ts'
import { minified } from './minify.ts'

export const CARD_TYPE = 'https://smarthealth.cards#health-card'

export type CardPayload = {
  readonly iss: string
  /** Unix seconds, perhaps with a fraction. */
  readonly nbf: number
  readonly exp?: number
  readonly types: readonly string[]
  readonly fhirVersion: string
  readonly bundle: JsonObject
  /** Name for revocation. */
  readonly rid?: string
}

export type CardProblem =
  | 'not-a-card'
  | 'too-large'
  | 'bad-header'
  | 'bad-compression'
  | 'bad-payload'
  | 'bad-issuer'
  | 'unknown-key'
  | 'bad-signature'
  | 'not-yet-valid'
  | 'expired'

/** What a card is, once it was checked; of one that fails, the payload is given only where the signature holds. */
export type CardVerdict =
  | { readonly ok: true; readonly card: CardPayload; readonly kid: string }
  | { readonly ok: false; readonly problem: CardProblem; readonly card?: CardPayload }

const MAX_JWS = 256 << 10
const MAX_PAYLOAD = 4 << 20
const BASE64URL = /^[A-Za-z0-9_-]+$/

const refused = (problem: CardProblem, card?: CardPayload): CardVerdict => ({ ok: false, problem, ...(card ? { card } : {}) })

/** https, a host, a path perhaps; nothing behind, no slash at the end: it is compared letter by letter and looked up. */
export const isIssuer = (iss: string): boolean =>
  /^https:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*$/i.test(iss) && iss.length <= 512

/** Raw DEFLATE with an end: null when it is none, or grows beyond the limit. */
function inflated(bytes: Uint8Array): Uint8Array | null {
  const parts: Uint8Array[] = []
  let size = 0
  let ended = false
  try {
    const inflate = new Inflate((part, final) => {
      size += part.length
      if (size > MAX_PAYLOAD) throw new RangeError('too large')
      parts.push(part)
      ended = final
    })
    for (let at = 0; at < bytes.length; at += 1024) inflate.push(bytes.subarray(at, at + 1024), at + 1024 >= bytes.length)
  } catch {
    return null
  }
  if (!ended) return null
  const out = new Uint8Array(size)
  let to = 0
  for (const part of parts) {
    out.set(part, to)
    to += part.length
  }
  return out
}

function jsonIn(bytes: Uint8Array): JsonObject | null {
  try {
    // A byte-order mark is no JSON (RFC 8259 §8.1), and readers differ about it.
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Seconds; what is in milliseconds is thousands of years away, and refused. */
const moment = (x: unknown): number | undefined => (typeof x === 'number' && Number.isFinite(x) && x > 0 && x < 1e11 ? x : undefined)

function payloadOf(json: JsonObject): CardPayload | null {
  const [iss, nbf, vc] = [string(json.iss), moment(json.nbf), json.vc]
  const exp = json.exp === undefined ? undefined : moment(json.exp)
  const types = list(field(vc, 'type')).filter(t => typeof t === 'string')
  const bundle = at(vc, 'credentialSubject', 'fhirBundle')
  const fhirVersion = string(at(vc, 'credentialSubject', 'fhirVersion'))
  const rid = string(field(vc, 'rid'))
  if (!iss || nbf === undefined || (json.exp !== undefined && exp === undefined) || !isObject(bundle) || !fhirVersion) return null
  if (!types.includes(CARD_TYPE) || bundle.resourceType !== 'Bundle' || !list(bundle.entry).length) return null
  if (rid !== undefined && !/^[A-Za-z0-9_-]{1,24}$/.test(rid)) return null
  return { iss, nbf, types, fhirVersion, bundle, ...(exp === undefined ? {} : { exp }), ...(rid ? { rid } : {}) }
}

type Parts = { readonly header: JsonObject; readonly body: Uint8Array; readonly signature: Uint8Array; readonly signed: Uint8Array }

function partsOf(jws: string): Parts | null {
  const parts = jws.split('.')
  if (parts.length !== 3 || !parts.every(p => BASE64URL.test(p) && p.length % 4 !== 1)) return null
  try {
    const [head, body, signature] = parts.map(fromBase64Url) as [Uint8Array, Uint8Array, Uint8Array]
    const header = jsonIn(head)
    // One spelling for each value (RFC 4648 §3.5), or one card would have many texts.
    if ([head, body, signature].some((b, i) => toBase64Url(b) !== parts[i])) return null
    return header && { header, body, signature, signed: utf8(`${parts[0]}.${parts[1]}`) }
  } catch {
    return null
  }
}

/** ES256, DEFLATE, a key by name; what else a header may say (other keys, other algorithms, critical extensions) is refused. */
const rightHeader = (h: JsonObject): boolean =>
  h.alg === 'ES256' && h.zip === 'DEF' && typeof h.kid === 'string' && Object.keys(h).every(k => ['alg', 'zip', 'kid', 'typ'].includes(k))

export type Verifying = {
  /** Unix seconds. */
  readonly now: number
  /** The keys that an issuer publishes; null when they could not be had. */
  readonly keysOf: (iss: string) => Promise<readonly IssuerKey[] | null>
}

/** Seconds by which an issuer's clock may run ahead of ours. */
const SKEW = 300

/**
 * Whether a card is what its issuer signed, and holds now. Who the issuer is, and whether to believe it, is for a person to judge: this
 * says that whoever publishes keys at `iss` signed it.
 */
export async function verifyCard(jws: string, { now, keysOf }: Verifying): Promise<CardVerdict> {
  if (jws.length > MAX_JWS) return refused('too-large')
  const parts = partsOf(jws)
  if (!parts) return refused('not-a-card')
  if (!rightHeader(parts.header)) return refused('bad-header')
  const body = inflated(parts.body)
  if (!body) return refused('bad-compression')
  const json = jsonIn(body)
  const card = json && payloadOf(json)
  if (!card) return refused('bad-payload')
  if (!isIssuer(card.iss)) return refused('bad-issuer')
  const kid = String(parts.header.kid)
  const key = (await keysOf(card.iss))?.find(k => k.kid === kid)
  if (!key) return refused('unknown-key')
  if (!es256Verify(parts.signature, parts.signed, key)) return refused('bad-signature')
  if (card.nbf > now + SKEW) return refused('not-yet-valid', card)
  if (card.exp !== undefined && card.exp <= now) return refused('expired', card)
  return { ok: true, card, kid }
}

export type Issue = {
  readonly iss: string
  /** Unix seconds. */
  readonly nbf: number
  readonly exp?: number
  readonly rid?: string
  /** Beside the one that every card has: `https://smarthealth.cards#immunization` … */
  readonly types?: readonly string[]
  readonly bundle: JsonObject
}

/** Signs a card over the Bundle, made small first. Throws BAD_INPUT for an issuer that no verifier would take. */
export function issueCard(input: Issue, secret: IssuerSecret): string {
  ensure(isIssuer(input.iss), 'BAD_INPUT', 'An issuer is an https address without a slash at its end.')
  const vc = {
    type: [CARD_TYPE, ...(input.types ?? [])],
    credentialSubject: { fhirVersion: '4.0.1', fhirBundle: minified(input.bundle) },
    ...(input.rid ? { rid: input.rid } : {}),
  }
  const payload = { iss: input.iss, nbf: input.nbf, ...(input.exp === undefined ? {} : { exp: input.exp }), vc }
  const head = toBase64Url(utf8(JSON.stringify({ zip: 'DEF', alg: 'ES256', kid: secret.kid })))
  const body = toBase64Url(deflateSync(utf8(JSON.stringify(payload)), { level: 9 }))
  return `${head}.${body}.${toBase64Url(es256Sign(utf8(`${head}.${body}`), secret))}`
}

/** The signed texts in what a person has: a `.smart-health-card` file, the answer of `$health-cards-issue`, or the text itself. */
export function cardsIn(content: string): string[] {
  const whole = content.trim()
  if (/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(whole)) return [whole]
  const json = jsonIn(utf8(content))
  const listed = list(field(json, 'verifiableCredential'))
  const parameters = list(field(json, 'parameter')).flatMap(p =>
    field(p, 'name') === 'verifiableCredential' ? [field(p, 'valueString')] : [],
  )
  return [...listed, ...parameters].filter(x => typeof x === 'string').slice(0, 64)
}

/** The content of a card as a record takes it in: `resource:0` means nothing outside of its card, so each gets an address of its own. */
export function unpacked(card: CardPayload, nameOf: (index: number) => string): JsonObject {
  const entries = list(card.bundle.entry).filter(isObject)
  const names = new Map(entries.map((e, i) => [string(e.fullUrl) ?? `resource:${i}`, nameOf(i)]))
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rename)
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([k, v]) => [k, k === 'reference' && typeof v === 'string' ? (names.get(v) ?? v) : rename(v)]),
    )
  }
  return {
    resourceType: 'Bundle',
    type: 'collection',
    entry: entries.map((e, i) => ({ fullUrl: nameOf(i), resource: rename(e.resource) })),
  }
}
