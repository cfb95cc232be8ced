/** How one code is told to the outside: an HTTP status, a FHIR R4 `OperationOutcome.issue.code`, a process exit code. */
export type ErrorMeaning = { http: number; fhir: string; exit: number; about: string }

const meaning = (http: number, fhir: string, exit: number, about: string): ErrorMeaning => ({ http, fhir, exit, about })

/**
 * Every error code there is, with its one meaning. `docs/errors.md` is generated from this table and diffed by a test.
 * Exit codes: 2 usage, 3 input refused, 4 denied, 5 integrity, 6 not available now, 7 storage, 70 defect.
 */
export const ERRORS = {
  // input
  BAD_INPUT: meaning(400, 'invalid', 3, 'A value has the wrong shape; the message names the field.'),
  BAD_CBOR: meaning(400, 'structure', 3, 'Bytes are not deterministic CBOR (RFC 8949 §4.2).'),
  BAD_CID: meaning(400, 'value', 3, 'Not a CIDv1 with SHA-256, or the bytes do not hash to it.'),
  TOO_LARGE: meaning(413, 'too-long', 3, 'Larger than the limit named in the message.'),
  UNREADABLE: meaning(422, 'structure', 3, 'A file could not be understood in the format it claims.'),
  INFECTED: meaning(422, 'security', 3, 'A scanner for malware found something in a file; it was neither filed nor handed out.'),
  UNSCANNED: meaning(
    503,
    'transient',
    6,
    'The scanner for malware does not answer; until it does, nothing that has to pass it is filed or handed out.',
  ),
  USAGE: meaning(400, 'invalid', 2, 'The command or its arguments are wrong; the message says how it is called.'),
  UNKNOWN_SUITE: meaning(400, 'not-supported', 5, 'Sealed by a suite this version does not know; update Keepwell.'),
  UNKNOWN_COMPARTMENT: meaning(404, 'not-found', 3, 'The vault has no such compartment, or its calendar does not list it.'),
  NOT_FOUND: meaning(404, 'not-found', 3, 'There is no such thing here.'),
  // keys and sealed things
  WRONG_PASSPHRASE: meaning(401, 'login', 4, 'The passphrase does not open this keystore.'),
  WEAK_PASSPHRASE: meaning(400, 'value', 3, 'A new passphrase is among the first that a guesser tries; choose another.'),
  WRONG_WORDS: meaning(400, 'value', 3, 'The recovery words are not a valid BIP-39 phrase, or belong to no vault at this relay.'),
  OPEN_FAILED: meaning(422, 'security', 5, 'A sealed thing does not open: wrong key, or altered bytes.'),
  TRUNCATED: meaning(422, 'incomplete', 5, 'A sealed thing ends early.'),
  SHARE_TAMPERED: meaning(422, 'security', 5, 'A secret share does not match its commitment.'),
  NO_KEY: meaning(403, 'forbidden', 4, 'This device holds no key for that.'),
  // signatures and state
  BAD_SIGNATURE: meaning(401, 'security', 5, 'A signature does not verify against the key bundle in force.'),
  UNKNOWN_PARTY: meaning(404, 'not-found', 4, 'No key bundle is known for that DID; ask for an invitation link.'),
  BUNDLE_ROLLBACK: meaning(409, 'conflict', 5, 'A key bundle older than one already seen was offered.'),
  KEYS_FORKED: meaning(
    409,
    'security',
    5,
    'Two lines of keys claim to be one party, and nothing here can tell which is its owner’s; ask in person and compare fingerprints.',
  ),
  HEAD_CONFLICT: meaning(409, 'conflict', 6, 'The vault head moved meanwhile; the change must be rebased.'),
  HEAD_ROLLBACK: meaning(409, 'security', 5, 'A relay served a vault head older than one already seen.'),
  OMISSION: meaning(409, 'security', 5, 'A relay left out something it had signed for.'),
  STALE_CALENDAR: meaning(409, 'conflict', 6, 'The envelope was sealed to an old key calendar; fetch it again and retry.'),
  NOT_ANCHORED: meaning(425, 'incomplete', 6, 'The record is not anchored on the ledger yet.'),
  WRONG_SUBJECT: meaning(422, 'security', 5, 'The record was written for another vault.'),
  ENVELOPE_MISMATCH: meaning(422, 'security', 5, 'Envelope and payload do not belong together.'),
  ALREADY_FILED: meaning(409, 'duplicate', 4, 'A record of that id is filed already, with other bytes; a new version takes a new id.'),
  ERASED: meaning(410, 'deleted', 4, 'The record was erased by its owner.'),
  PROVE_AGAIN: meaning(
    401,
    'login',
    4,
    'This is done only for somebody who showed lately that they are the owner; unlock once more and repeat it.',
  ),
  // access
  UNAUTHENTICATED: meaning(401, 'login', 4, 'Who is asking was not shown, or no longer counts; log in again.'),
  DENIED: meaning(403, 'forbidden', 4, 'The request is outside what was granted; the reasons are listed.'),
  NO_GRANT: meaning(403, 'forbidden', 4, 'There is no live grant for this.'),
  LIMITED: meaning(409, 'business-rule', 4, 'A freeze, an objection or an opt-out of your own stands against it; change that first.'),
  GRANT_ENDED: meaning(403, 'expired', 4, 'The grant expired or was revoked.'),
  AGAINST_POLICY: meaning(403, 'forbidden', 4, 'A policy in force forbids it; the message says which, and what it is for.'),
  BAD_POLICY: meaning(
    422,
    'business-rule',
    3,
    'A bundle of policies is none, does not fit the schema, or would break the floor; the message says where.',
  ),
  REPLAYED: meaning(409, 'duplicate', 4, 'This signed request was used before; sign a new one.'),
  CLOCK_SKEW: meaning(400, 'expired', 6, 'The request time is more than five minutes off; set the clock.'),
  NO_RECEIPT: meaning(409, 'security', 5, 'A relay returned content without a valid receipt; nothing was opened.'),
  BAD_PROOF: meaning(422, 'security', 5, 'A Merkle proof does not verify.'),
  FORKED: meaning(409, 'security', 5, 'A relay signed two different histories.'),
  TOO_EARLY: meaning(425, 'transient', 6, 'Not yet: a time lock runs, or others have still to agree; the message says which.'),
  INVITATION_USED: meaning(410, 'expired', 4, 'The invitation was used or has expired.'),
  UNVERIFIED: meaning(403, 'security', 4, 'The party is not verified; compare the fingerprint first.'),
  // ledger
  LEDGER_CORRUPT: meaning(500, 'exception', 7, 'The ledger files have a hole; restore them from an export.'),
  LEDGER_LOCKED: meaning(503, 'lock-error', 6, 'Another process has this ledger open.'),
  LEDGER_CHAIN_MISMATCH: meaning(409, 'conflict', 5, 'The ledger has another chain id than the one configured.'),
  LEDGER_REFUSED: meaning(422, 'business-rule', 5, 'The ledger refused a transaction; the reason is named.'),
  LEDGER_BEHIND: meaning(503, 'transient', 6, 'The ledger head is too old to decide on access.'),
  // storage and network
  STORAGE_FULL: meaning(507, 'no-store', 7, 'No space is left; nothing was acknowledged that is not stored.'),
  STORAGE_FAILED: meaning(500, 'exception', 7, 'The storage failed to write or read.'),
  STORAGE_CORRUPT: meaning(500, 'exception', 7, 'Stored bytes are damaged; repair from another copy.'),
  STORAGE_PENDING: meaning(425, 'transient', 6, 'The place has accepted it, but it is not final there yet; ask again later.'),
  CANNOT_ERASE: meaning(
    409,
    'business-rule',
    4,
    'That place keeps for ever what it has been given; what was erased is unreadable there, not gone.',
  ),
  FUNDS_TOO_LOW: meaning(402, 'business-rule', 6, 'The wallet that pays for copies has not enough; nothing was sent. Fill it up.'),
  PRICE_TOO_HIGH: meaning(402, 'business-rule', 6, 'Copies cost more there than their owner agreed to pay; nothing was sent.'),
  LOCKED: meaning(503, 'lock-error', 6, 'Another process uses this home.'),
  RELAY_UNREACHABLE: meaning(503, 'transient', 6, 'The relay does not answer.'),
  RELAY_NOT_FOLLOWED: meaning(
    403,
    'forbidden',
    4,
    'A relay that somebody else named is not asked from here: it lies inside a network, or is not among those that whoever runs this allows.',
  ),
  PEER_FAILED: meaning(
    502,
    'transient',
    6,
    'Another organisation’s server, which is needed for this, does not answer or does not make sense.',
  ),
  HELD_UNREACHABLE: meaning(
    503,
    'transient',
    6,
    'The record lies at the organisation that wrote it, and its gateway does not answer, or no longer has it.',
  ),
  HELD_REFUSED: meaning(
    403,
    'forbidden',
    4,
    'The organisation that holds the record’s content refuses to give it; the consent itself was not refused.',
  ),
  HELD_ALTERED: meaning(422, 'security', 5, 'What the organisation holds is no longer what it signed; nothing of it was opened.'),
  RATE_LIMITED: meaning(429, 'throttled', 6, 'Too many requests; wait and retry.'),
  CANCELLED: meaning(499, 'transient', 6, 'Cancelled; what was finished is kept.'),
  STOPPING: meaning(503, 'transient', 6, 'The server is stopping; ask again in a moment.'),
  NO_ROUTE: meaning(404, 'not-found', 3, 'The server offers nothing at that path; it may be of another version.'),
  BAD_METHOD: meaning(405, 'not-supported', 3, 'The path is there, but not for that HTTP method.'),
  BAD_TYPE: meaning(415, 'not-supported', 3, 'The body has another media type or encoding than the one expected.'),
  NOT_ACCEPTABLE: meaning(406, 'not-supported', 3, 'Nothing that can be given is among the media types or encodings asked for.'),
  BAD_RANGE: meaning(416, 'value', 3, 'The byte range lies outside the content.'),
  MISDIRECTED: meaning(421, 'not-found', 3, 'The request names a host that this server is not.'),
  NOT_SUPPORTED: meaning(501, 'not-supported', 6, 'This platform or backend lacks a needed feature.'),
  NO_HOME: meaning(404, 'not-found', 2, 'There is no Keepwell home here; run `keepwell init`.'),
  HOME_EXISTS: meaning(409, 'duplicate', 2, 'There is a Keepwell home here already.'),
  DEFECT: meaning(500, 'exception', 70, 'A defect in Keepwell; please report it.'),
} as const satisfies Record<string, ErrorMeaning>

export type ErrorCode = keyof typeof ERRORS

/** The one error of the system. `message` never holds health data or key material. */
export class KeepwellError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'KeepwellError'
    this.code = code
  }
}

/** Throws unless `condition` holds. */
export function ensure(condition: unknown, code: ErrorCode, message: string): asserts condition {
  if (!condition) throw new KeepwellError(code, message)
}

export const isKeepwellError = (e: unknown, code?: ErrorCode): e is KeepwellError =>
  e instanceof KeepwellError && (code === undefined || e.code === code)
