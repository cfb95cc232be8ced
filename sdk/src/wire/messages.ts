import { bytes, dictionary, type Infer, int, list, nullable, object, oneOf, optional, string } from '#base/shape'
import { LEVELS, PURPOSES } from '#consent/terms'
import { bell, concern } from '#identity/bell'
import { compartmentId } from '#identity/compartments'
import { credential } from '#identity/credential'
import { did } from '#identity/did'
import { MAX_WAKES } from '#identity/wake'
import { card } from '#records/card'

/** What an invitation link carries (protocol §5, first contact): whom to trust, where, and a secret used once. */
export const invitation = object({
  v: int(1, 1),
  did,
  name: string(200),
  bundle: bytes(32),
  relays: list(string(300), 8),
  secret: bytes(32),
  expiry: int(),
})
export type Invitation = Infer<typeof invitation>

/** Answer to an invitation: proves that this party held the link. */
export const acceptance = object({ secret: bytes(32), name: string(200) })

/**
 * What a new device shows to one that opens the vault: the key bundle of a party made for this alone, whose inbox key is the device's own, so
 * that a short code carries the long key by its hash; and a secret that only whoever saw the code knows.
 */
export const deviceOffer = object({
  v: int(1, 1),
  did,
  name: string(80),
  bundle: bytes(32),
  relay: string(300),
  secret: bytes(32),
  expiry: int(),
})
export type DeviceOffer = Infer<typeof deviceOffer>

/** The answer, sealed to the new device: which vault, where, and the tag its sealed keyring is found by. No key is in it. */
export const admission = object({ v: int(1, 1), secret: bytes(32), vault: did, relay: string(300), tag: bytes(32), version: int(1) })

export const accessRequest = object({
  name: string(200),
  purpose: oneOf(...PURPOSES),
  level: oneOf(...LEVELS),
  compartments: list(string(80), 256),
  seconds: int(1),
  text: string(2000),
  /** Who vouches for the asker, when somebody does. */
  credential: optional(credential),
})
export type AccessRequestMessage = Infer<typeof accessRequest>

const node = object({ level: int(0, 16), index: int(0, 65535), key: bytes(32) })

/**
 * The sealed key package of a grant: cover nodes for each compartment and generation, or cards and DEKs of named records. A
 * writer gets names and ids alone. It never holds a key for an epoch after the consent's own (protocol §5).
 */
export const keyPackage = object({
  commitment: bytes(32),
  patientName: string(200),
  relays: list(string(300), 8),
  compartments: list(object({ id: compartmentId, name: string(80) }), 256),
  nodes: list(object({ compartment: compartmentId, generation: int(0, 0xffffffff), nodes: list(node, 64) }), 4096),
  records: list(object({ id: bytes(16), card, dek: bytes(32) }), 1024),
})
export type KeyPackage = Infer<typeof keyPackage>

export const grantMessage = object({ terms: bytes({ max: 1 << 16 }), package: bytes({ max: 1 << 20 }), replaces: optional(bytes(32)) })
/** What stands in the package's place when a proxy tells the patient of a consent it gave: what it calls the grantee. */
export const passedNote = object({ name: string(200) })
export const revokedMessage = object({ commitment: bytes(32), at: int() })
/** A code that apps have words for, and what they fill in; a number is written as one. */
export const agentWord = object({ code: string(40, /^[a-z][A-Za-z]*$/), values: dictionary(string(300), 8) })
export type AgentWord = Infer<typeof agentWord>
export const noticeMessage = object({
  text: string(500),
  vault: optional(did),
  /** A custodian's word that it has agreed to release its share. */
  emergency: optional(
    object({
      tag: bytes(32),
      version: int(1),
      requester: did,
      name: string(200),
      role: string(8),
      reason: string(1000),
      at: int(),
    }),
  ),
  /** What the vault's own agent has to say, for the reader's app to put into the reader's language; `text` is for who does not know the code. */
  said: optional(agentWord),
  /** A custodian's word that the push services of these devices know them no more. */
  gone: optional(list(bytes(16), MAX_WAKES)),
  /** The sender’s bell, for whoever it looks after; null takes it back. */
  bell: optional(nullable(bell)),
  /** A custodian’s word to somebody whose bell it was given. */
  concern: optional(concern),
})
export type NoticeMessage = Infer<typeof noticeMessage>
