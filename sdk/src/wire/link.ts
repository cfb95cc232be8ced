/** A SMART Health Link as its owner leaves it at a relay: sealed files under a random name, and rules that the relay keeps (protocol §12). */
import { concat, equal, utf8 } from '#base/bytes'
import { bool, bytes, type Infer, int, list, nullable, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'

export const MAX_LINK_FILES = 16
/** Of all files of a link together. */
export const MAX_LINK_BYTES = 12 << 20
/** A link lives at most a year; whoever needs more makes a new one. */
export const MAX_LINK_LIFE = 366 * 86_400
export const MAX_LINKS = 64
export const MAX_ATTEMPTS = 20

export const LINK_TYPES = ['application/fhir+json', 'application/smart-health-card', 'application/smart-api-access'] as const
export type LinkType = (typeof LINK_TYPES)[number]

export const linkId = bytes(32)
const linkType = string(80, /^[a-z]+\/[a-z0-9.+-]+$/)

/** `body` is a compact JWE: the relay cannot read it. */
export const linkFile = object({ type: linkType, body: bytes({ max: MAX_LINK_BYTES }) })
export const passcodeVerifier = object({ salt: bytes(16), hash: bytes(32) })
export type PasscodeVerifier = Infer<typeof passcodeVerifier>

export const linkBody = object({
  id: linkId,
  files: list(linkFile, MAX_LINK_FILES),
  /** One file, given at once to whoever has the address. */
  direct: bool,
  /** Its files may be replaced; readers may ask again. */
  lasting: bool,
  expiry: int(1),
  /** Wrong passcodes in its whole life. */
  attempts: int(1, MAX_ATTEMPTS),
  verifier: nullable(passcodeVerifier),
  /** The owner's own words about it, sealed for the owner. */
  note: bytes({ max: 2048 }),
})

export const linkState = object({
  id: linkId,
  created: int(),
  expiry: int(),
  direct: bool,
  lasting: bool,
  passcode: bool,
  /** Wrong passcodes left. */
  attempts: int(),
  opened: int(),
  /** 0: never. */
  lastOpened: int(),
  /** 0: it lives. */
  ended: int(),
  note: bytes({ max: 2048 }),
})
export type LinkState = Infer<typeof linkState>

const DOMAIN = utf8('keepwell/v1/link-passcode\0')

/**
 * What a relay compares a passcode with. A plain hash, for the passcode guards against whoever finds the address, and those have a few tries
 * in a link's whole life; a relay, or a thief of its database, has neither files in the clear nor their key, whatever the passcode is.
 */
export const passcodeHash = (salt: Uint8Array, passcode: string): Uint8Array =>
  sha256(concat(DOMAIN, salt, utf8(passcode.normalize('NFC').toWellFormed())))

export const passcodeFits = ({ salt, hash }: PasscodeVerifier, passcode: string): boolean => equal(passcodeHash(salt, passcode), hash)
