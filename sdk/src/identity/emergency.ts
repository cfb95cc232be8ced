import { concat, fromBase64Url, toBase64Url, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, list, nullable, object, oneOf, optional, string } from '#base/shape'
import { hkdf, sha256 } from '#crypto/hash'
import { recoverDigest, secpAddress, signDigest } from '#crypto/secp'
import type { Share, ShareCommitment } from '#crypto/shamir'
import { credential } from './credential.ts'
import { address, did } from './did.ts'

/** A patient's rules for one emergency card, as EmergencyAccess takes them. Seconds. */
export const emergencyRules = object({ veto: address, delay: int(0, 86_400), window: int(1, 86_400), persons: int(1, 2) })

export const MAX_CUSTODIANS = 32

export const shareCommitment = object({
  threshold: int(2, MAX_CUSTODIANS),
  salt: bytes(32),
  secret: bytes(32),
  shares: list(bytes(32), MAX_CUSTODIANS),
})
const share = object({ index: int(0, MAX_CUSTODIANS), bytes: bytes(33) })

/** Whom a custodian tells of a release besides the patient, and how. */
export const emergencyContact = object({ name: string(200), kind: oneOf('email', 'webhook'), address: string(300) })
export type EmergencyContact = Infer<typeof emergencyContact>

/** What one custodian is given (protocol §7): one share, the rules it compares, whom to tell. Never two of one vault. */
export const custody = object({
  v: int(1, 1),
  vault: did,
  /** Of the card; a higher one replaces a lower. */
  version: int(1),
  share,
  commitment: shareCommitment,
  rules: emergencyRules,
  /** Whose signature proves that somebody holds the card. */
  card: address,
  relays: list(string(300), 8),
  contacts: list(emergencyContact, 16),
  /** Requesters whom the patient vetoed under this card or an earlier one. */
  barred: list(did, 1024),
  /** Credentials that those requests were made under: a second person is known by nothing else. Not there when there is none. */
  barredCredentials: optional(list(bytes(32), 1024)),
})
export type Custody = Infer<typeof custody>

/** Where one custodian of a vault is, and the vault's own copy of its share, by which a drill checks it. */
export const ownCustodian = object({ did, name: string(200), url: string(300), share, drilledAt: nullable(int()) })

/** An opening as a custodian told it, and what became of it. */
export const opening = object({
  tag: bytes(32),
  version: int(1),
  requester: did,
  name: string(200),
  role: string(8),
  reason: string(1000),
  custodians: list(did, MAX_CUSTODIANS),
  at: int(),
  vetoedAt: optional(int()),
  review: optional(object({ text: string(2000), salt: bytes(32), at: int() })),
})
export type Opening = Infer<typeof opening>

/** What a vault keeps of its emergency access: the key that is shared out, the card, its custodians. */
export const emergencyState = object({
  version: int(1),
  /** Root of the emergency reader: what k custodians give together. */
  root: bytes(32),
  reader: did,
  consent: bytes(32),
  card: bytes(32),
  veto: bytes(32),
  rules: emergencyRules,
  commitment: shareCommitment,
  custodians: list(ownCustodian, MAX_CUSTODIANS),
  contacts: list(emergencyContact, 16),
  /** SHA-256 of what the summary record was made of, to see when it is no longer current. */
  summary: optional(object({ hash: bytes(32), record: bytes(16), text: string(2000) })),
  at: int(),
  /** Version of the key bundle when it was made: a later one means that keys were replaced, and who held the old ones held these too. */
  keys: optional(int(1)),
  /** SHA-256 of the card that was printed last. */
  printed: optional(bytes(32)),
})
export type EmergencyState = Infer<typeof emergencyState>

/** The card's machine-readable part. */
export const emergencyCard = object({
  v: int(1, 1),
  chainId: int(1),
  secret: bytes(32),
  version: int(1),
  relays: list(string(300), 8),
  custodians: list(string(300), MAX_CUSTODIANS),
  rules: emergencyRules,
  /** SHA-256 of the share commitment that custodians show. */
  shares: bytes(32),
})
export type EmergencyCard = Infer<typeof emergencyCard>

export const commitmentHash = (c: ShareCommitment): Uint8Array => sha256(encode({ ...c, shares: [...c.shares] }))

/** The key that proves possession of a card. */
export const cardKey = (secret: Uint8Array): Uint8Array => hkdf(secret, utf8('keepwell/v1/emergency-card'), utf8('key'), 32)
export const cardAddress = (secret: Uint8Array): string => secpAddress(cardKey(secret))

/** Pairwise: nothing connects two requests of one card (protocol §7). `did` is the requester's. */
export const emergencyTag = (secret: Uint8Array, requester: string, nonce: Uint8Array): Uint8Array =>
  sha256(concat(secret, utf8(requester), nonce))

/** What stands on the ledger of a reason or a review. */
export const saltedHash = (salt: Uint8Array, words: string): Uint8Array => sha256(encode(['kw1/emergency-words', salt, words]))

const LINE = 'keepwell:emergency#'

const checkOf = (summary: string, machine: string): Uint8Array => sha256(encode(['kw1/emergency-card', summary, machine]))

/**
 * A card as the text of one QR code: what a person reads with any camera and no network, then one line for Keepwell. The signature of the
 * card's own veto key is over both, so that a changed summary shows wherever the patient's rules are known.
 */
export function cardText(card: EmergencyCard, summary: string, veto: Uint8Array): string {
  const machine = toBase64Url(encode(card))
  return `${summary}\n${LINE}${machine}.${signDigest(veto, checkOf(summary, machine)).slice(2)}`
}

/** Summary and card from what a camera read; the line alone will do, with an empty summary that nothing vouches for. Throws BAD_INPUT. */
export function readCard(text: string): { readonly card: EmergencyCard; readonly summary: string; readonly vouched: boolean } {
  const at = text.lastIndexOf(LINE)
  if (at < 0) throw new KeepwellError('BAD_INPUT', `An emergency card holds a line that begins with ${LINE}.`)
  const [machine = '', signature = ''] = text
    .slice(at + LINE.length)
    .trim()
    .split('.')
  const summary = text.slice(0, at).replace(/\n$/, '')
  try {
    const card = decodeAs(emergencyCard, fromBase64Url(machine))
    const vouched = recoverDigest(checkOf(summary, machine), `0x${signature}`) === card.rules.veto
    return { card, summary, vouched }
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The emergency card is damaged; scan it again.', { cause })
  }
}

/** What a requester sends a custodian, in a call signed by its request key. */
export const releaseBody = object({
  tag: bytes(32),
  card: address,
  /** X-Wing key made for this request, to which the share is sealed. */
  session: bytes(1216),
  /** The card's key over tag, custodian and session key. */
  proof: string(132, /^0x[0-9a-f]{130}$/),
  credential,
  reason: string(1000),
  /** With it the reason is the one whose hash stands on the ledger. */
  salt: bytes(32),
  bundle: bytes({ max: 1 << 16 }),
})
export type ReleaseBody = Infer<typeof releaseBody>

/** A share on its way to the requester. */
export const releaseAnswer = object({ enc: bytes(1120), sealed: bytes({ max: 1 << 14 }) })
export const releasedShare = object({ share, commitment: shareCommitment })
export const shareInfo = (tag: Uint8Array, custodian: string): Uint8Array => encode(['kw1/emergency-share', tag, custodian])

export const drillBody = object({ nonce: bytes(32), bundle: bytes({ max: 1 << 16 }) })
export const drillAnswer = object({ version: int(1), proof: bytes(32) })

export const custodianInfo = object({ did, bundle: bytes({ max: 1 << 16 }) })
export type CustodianInfo = Infer<typeof custodianInfo>

export const drillInput = (s: Share, nonce: Uint8Array): Uint8Array => encode(['kw1/emergency-drill', s.index, nonce])

type Possession = { readonly tag: Uint8Array; readonly custodian: string; readonly session: Uint8Array }
const possession = ({ tag, custodian, session }: Possession): Uint8Array =>
  sha256(encode(['kw1/emergency-possession', tag, custodian, sha256(session)]))

export const provePossession = (secret: Uint8Array, p: Possession): string => signDigest(cardKey(secret), possession(p))
export const possessedBy = (p: Possession, proof: string): string => recoverDigest(possession(p), proof)

const WORD = 'keepwell:preauthorisation#'
/** A patient's word that one professional needs neither delay nor second person. */
export const preauthorisation = object({ credential: bytes(32), until: int(), signature: string(132, /^0x[0-9a-f]{130}$/) })
export type Preauthorisation = Infer<typeof preauthorisation>
export const preauthorisationText = (p: Preauthorisation): string => WORD + toBase64Url(encode(p))
export function readPreauthorisation(text: string): Preauthorisation {
  try {
    return decodeAs(preauthorisation, fromBase64Url(text.trim().slice(WORD.length)))
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', `A preauthorisation begins with ${WORD}, and this is none.`, { cause })
  }
}

export const tagName = (tag: Uint8Array): string => toHex(tag)
