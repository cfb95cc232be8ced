import { type RandomBytes, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import { bool, bytes, decodeAs, dictionary, type Infer, int, list, nullable, object, oneOf, optional, string } from '#base/shape'
import { aeadOpen, hpkeOpen } from '#crypto/open'
import { aeadSeal, hpkeSeal } from '#crypto/seal'
import { assertSuite, SUITE } from '#crypto/suite'
import { contactBell, ownBell } from './bell.ts'
import { compartmentId } from './compartments.ts'
import { credential } from './credential.ts'
import { address, did } from './did.ts'
import { emergencyState, opening } from './emergency.ts'
import { guardianState, guarding } from './guardians.ts'
import { type CutKeyring, coreOf, joinKeyring, keyringParts, type Opened } from './keyring-parts.ts'
import { rightsState } from './rights.ts'
import { recipientId, type SealedKeyring } from './sealed-keyring.ts'
import { wakeState } from './wake.ts'

const secret = bytes(32)

/** A consent this vault gave. `terms` is the encoded SignedTerms; the holder key serves this consent alone. */
const givenGrant = object({
  commitment: bytes(32),
  holderKey: secret,
  terms: bytes({ max: 1 << 16 }),
  grantee: did,
  name: string(200),
  state: oneOf('live', 'revoked'),
  at: int(),
})

/** A consent that a proxy gave in this vault's name. The holder key is the proxy's; `name` is what the proxy calls the grantee. */
const passedGrant = object({
  commitment: bytes(32),
  terms: bytes({ max: 1 << 16 }),
  proxy: did,
  grantee: did,
  name: string(200),
  state: oneOf('live', 'revoked'),
  at: int(),
})

/** A consent another vault gave to this party. `package` is the opened key package. */
const receivedGrant = object({
  commitment: bytes(32),
  terms: bytes({ max: 1 << 16 }),
  patient: did,
  name: string(200),
  package: bytes({ max: 1 << 20 }),
  at: int(),
})

/** One use of a standing rule: what was asked, when it is given unless vetoed, and the consent that came of it. */
const ruleUse = object({
  /** Names the request: the hash of its message's id. */
  request: bytes(32),
  grantee: did,
  name: string(200),
  at: int(),
  due: int(),
  state: oneOf('waiting', 'given', 'vetoed', 'failed'),
  commitment: nullable(bytes(32)),
  purpose: string(20),
  seconds: int(1),
  compartments: list(string(80), 256),
})

/** A rule that the patient signed (protocol §5), as it was signed, and its uses. */
const keptRule = object({ signed: bytes({ max: 1 << 14 }), ended: bool, uses: list(ruleUse, 500) })

/** A round of records that are to be erased by the patient's own standing rules: announced at `at`, and erased from `on` on. */
const retentionRound = object({ ids: list(bytes(16), 512), at: int(), on: int() })
export type RetentionRound = Infer<typeof retentionRound>
/** How long the patient wants to keep what (protocol §8), as it was signed, and what waits for its day. */
const keptRetention = object({ signed: bytes({ max: 1 << 15 }), round: nullable(retentionRound) })
export type KeptRetention = Infer<typeof keptRetention>

/**
 * `bundle` is the one whose fingerprint was compared, or that they came with; `newest` a later one of theirs that was seen and checked since, behind
 * which nothing counts any more. `credential` is the last one that was live when they showed it.
 */
const contact = object({
  did,
  name: string(200),
  bundle: bytes({ max: 1 << 16 }),
  newest: optional(bytes({ max: 1 << 16 })),
  verified: bool,
  at: int(),
  credential: optional(credential),
  /** What has their devices woken in an emergency of ours, where they gave it. */
  bell: optional(contactBell),
})

export const compartment = object({
  id: compartmentId,
  name: string(80),
  generation: int(0, 0xffffffff),
  /** One random tree root per generation; the last is current. Old ones open old records. */
  roots: list(object({ generation: int(0, 0xffffffff), root: secret, from: int(0, 65535) }), 4096),
})

/** The lists that are kept in parts when they are long. */
const PARTED = {
  contacts: list(contact, 65536),
  received: list(receivedGrant, 65536),
  given: list(givenGrant, 65536),
  passed: list(passedGrant, 65536),
  guarding: list(guarding, 65536),
}

/** Everything a party's devices share: all secrets but the device keys. */
export const keyring = object({
  v: int(1, 1),
  did,
  name: string(200),
  version: int(1),
  controller: secret,
  request: secret,
  signing: object({ ed25519: secret, mldsa65: secret }),
  inbox: secret,
  /** Inbox keys from before rotations: receipts and messages sealed to them still open. */
  oldInboxes: optional(list(secret, 256)),
  catalog: secret,
  bundle: bytes({ max: 1 << 16 }),
  recovery: object({ public: bytes(1216), tag: bytes(32) }),
  devices: list(object({ id: bytes(16), name: string(80), public: bytes(1216), addedAt: int() }), 64),
  compartments: list(compartment, 256),
  calendar: int(0),
  tokens: list(object({ key: secret, address, used: nullable(bytes(16)) }), 4096),
  given: PARTED.given,
  received: PARTED.received,
  passed: optional(PARTED.passed),
  contacts: PARTED.contacts,
  rules: optional(list(keptRule, 64)),
  retention: optional(keptRetention),
  invitations: list(object({ secret, expiry: int(), used: bool, name: optional(string(200)) }), 1024),
  /** Emergency access: what was set up, and the openings since the vault began. */
  emergency: optional(emergencyState),
  openings: optional(list(opening, 1024)),
  /** Devices that custodians wake over Web Push, where the person asked for it. */
  wakes: optional(wakeState),
  /** What wakes this person's devices for those they look after. */
  bell: optional(ownBell),
  /** Veto keys of earlier cards: what was opened under them is still to be reviewed. */
  oldVetoes: optional(list(object({ version: int(1), key: secret }), 256)),
  /** Who may bring this vault back, and for whom this party may. */
  guardians: optional(guardianState),
  guarding: optional(PARTED.guarding),
  /** Limits this vault set to everybody, and who was asked for which right. */
  rights: optional(rightsState),
  marks: dictionary(bytes({ max: 1024 }), 4096),
  /** What stands outside: in an opened keyring the lists are whole, and this says which of their elements came in which part. */
  parts: optional(keyringParts),
  /** A rotation under way: written down before anything outside changes, so that it can be finished after a crash. */
  rotation: optional(
    object({
      root: secret,
      controller: secret,
      request: secret,
      signing: object({ ed25519: secret, mldsa65: secret }),
      inbox: secret,
      bundle: bytes({ max: 1 << 16 }),
    }),
  ),
})
export type Keyring = Infer<typeof keyring>
export type GivenGrant = Infer<typeof givenGrant>
export type PassedGrant = Infer<typeof passedGrant>
export type ReceivedGrant = Infer<typeof receivedGrant>
export type RuleUse = Infer<typeof ruleUse>
export type KeptRule = Infer<typeof keptRule>
export type Contact = Infer<typeof contact>
export type Compartment = Infer<typeof compartment>

const INFO = utf8('keepwell/v1/keyring')
const aadOf = (vault: string, version: number): Uint8Array => encode(['kw1/keyring', vault, version])

/** Seals a keyring that is whole, or the core of one that was cut. */
export async function sealKeyring({ ring, parts }: CutKeyring, random: RandomBytes): Promise<SealedKeyring> {
  const key = random(32)
  const nonce = random(12)
  const aad = aadOf(ring.did, ring.version)
  const recipients = []
  const guardians = (ring.guardians?.circles ?? []).map(c => c.public)
  for (const publicKey of [...ring.devices.map(d => d.public), ring.recovery.public, ...guardians]) {
    const { enc, ciphertext } = await hpkeSeal({ recipient: publicKey, info: INFO, aad, plaintext: key, random })
    recipients.push({ id: recipientId(publicKey), enc, key: ciphertext })
  }
  const sealed = await aeadSeal({ key, nonce, aad, plaintext: encode(coreOf(ring)) })
  return { suite: SUITE, vault: ring.did, version: ring.version, recipients, nonce, sealed, ...(parts.length ? { parts: [...parts] } : {}) }
}

/**
 * Opens with a device or recovery key pair; throws NO_KEY when it was not sealed to that key, OPEN_FAILED when altered. What `known`, an
 * earlier one, has of its parts need not come along.
 */
export async function openKeyring(
  thing: SealedKeyring,
  pair: { secret: Uint8Array; public: Uint8Array },
  known?: Opened,
): Promise<Keyring> {
  assertSuite(thing.suite)
  const id = recipientId(pair.public)
  const mine = thing.recipients.find(r => r.id.every((b, i) => b === id[i]))
  if (!mine) throw new KeepwellError('NO_KEY', 'The keyring is not sealed to this device; it may have been removed.')
  const aad = aadOf(thing.vault, thing.version)
  const key = await hpkeOpen({ secret: pair.secret, enc: mine.enc, info: INFO, aad, ciphertext: mine.key })
  const ring = decodeAs(keyring, await aeadOpen({ key, nonce: thing.nonce, aad, ciphertext: thing.sealed }))
  if (ring.did !== thing.vault || ring.version !== thing.version)
    throw new KeepwellError('OPEN_FAILED', 'The keyring is of another vault or version.')
  return joinKeyring(ring, thing, PARTED, known)
}
