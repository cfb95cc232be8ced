import { evidence } from '#audit/evidence'
import { logHead } from '#audit/head'
import { receipt, sealedReceipt } from '#audit/receipt'
import { bool, bytes, type Infer, int, list, nullable, object, oneOf, optional, type Shape, string } from '#base/shape'
import { PURPOSES } from '#consent/terms'
import { bundle } from '#identity/bundle'
import { compartmentId } from '#identity/compartments'
import { address, did } from '#identity/did'
import { emergencyRules } from '#identity/emergency'
import { message } from '#identity/message'
import { MAX_PARTS, partBytes, sealedKeyring } from '#identity/sealed-keyring'
import { signed } from '#identity/signed'
import { MAX_WAKES, wakeDevice } from '#identity/wake'
import { envelopeGroup, servedGroup } from '#records/envelope'
import { recoveryStep } from './guardians.ts'
import { linkBody, linkId, linkState, MAX_LINKS } from './link.ts'

const evmSignature = string(4096, /^0x[0-9a-f]+$/)
const written = object({ tx: string(80), block: int(), time: int() })
const encodedTerms = bytes({ max: 1 << 16 })
const page = bytes({ max: 520 * 1216 })
const nothing = object({})

export const MAX_PAGE = 4096
/** How far a relay counts what comes after a page. */
export const MAX_COUNT = 16_384
/** Messages in one answer. */
export const MESSAGES_PAGE = 256

/** RFC 9162 inclusion of one leaf under a signed head. */
export const inclusion = object({ index: int(), path: list(bytes(32), 64), head: logHead })

/** Which envelopes: named ids, or a compartment's epochs, or everything after a write number; pages by `after`. Those after the page are counted up to `count`. */
const selection = object({
  ids: optional(list(bytes(16), MAX_PAGE)),
  compartments: optional(list(compartmentId, 256)),
  since: optional(int()),
  limit: optional(int(1, MAX_PAGE)),
  count: optional(int(1, MAX_COUNT)),
})

const meta = object({
  kind: oneOf(
    'consent-grant',
    'consent-revoke',
    'set-attribute',
    'change-owner',
    'mint',
    'burn',
    'emergency-ask',
    'emergency-approve',
    'emergency-veto',
    'emergency-review',
  ),
  holder: optional(address),
  commitment: optional(bytes(32)),
  notBefore: optional(int()),
  expiry: optional(int()),
  level: optional(int(1, 3)),
  identity: optional(address),
  name: optional(string(31)),
  value: optional(bytes({ max: 1024 })),
  validity: optional(int()),
  newOwner: optional(address),
  root: optional(bytes(32)),
  index: optional(int()),
  path: optional(list(bytes(32), 40)),
  tokenHolder: optional(address),
  inner: optional(bytes(32)),
  metadataDigest: optional(bytes(32)),
  tokenId: optional(bytes(32)),
  tag: optional(bytes(32)),
  reasonHash: optional(bytes(32)),
  reviewHash: optional(bytes(32)),
  credential: optional(bytes(32)),
  rules: optional(emergencyRules),
  preauthorisation: optional(object({ until: int(), signature: evmSignature })),
  deadline: int(),
  signature: evmSignature,
})

export const restored = object({ keyring: sealedKeyring, head: nullable(signed), bundle })
export type Restored = Infer<typeof restored>

type Method = { readonly body: Shape<unknown>; readonly answer: Shape<unknown>; readonly about: string }

/** Every signed call a relay answers (protocol §6): body, answer, and what it is for. OpenAPI is made from this table. */
export const METHODS = {
  enroll: {
    body: object({ bundle, lookup: optional(bytes(32)) }),
    answer: nothing,
    about: 'Store the caller’s key bundle; `lookup` is the SHA-256 of the tag its recovery words derive.',
  },
  'put-calendar': {
    body: object({ calendar: signed, pages: list(object({ compartment: compartmentId, page }), 256) }),
    answer: nothing,
    about: 'Publish the vault’s signed calendar of epoch keys; the version only rises.',
  },
  'put-head': {
    body: object({ head: signed, keyring: sealedKeyring }),
    answer: nothing,
    about: 'Replace vault head and sealed keyring together; accepted only as the next version.',
  },
  'put-parts': {
    body: object({ parts: list(partBytes, 64) }),
    answer: nothing,
    about: 'Leave parts of a large sealed keyring, for the head that will name them by hash; those that none names are forgotten.',
  },
  'put-limits': {
    body: object({ limits: signed }),
    answer: object({ receipt: signed }),
    about: 'Freeze the record for others, object to purposes, or take no new consents; only later limits replace those in force.',
  },
  'get-state': {
    body: object({ have: optional(list(bytes(32), MAX_PARTS)) }),
    answer: object({ head: nullable(signed), keyring: nullable(sealedKeyring), calendar: nullable(signed), writes: int() }),
    about:
      'The vault’s own head, sealed keyring and calendar, and its last write number here; of the keyring’s parts, those that the caller does not `have`.',
  },
  submit: {
    body: object({
      vault: did,
      groups: list(envelopeGroup, 512),
      terms: optional(encodedTerms),
      purpose: oneOf(...PURPOSES),
      replace: optional(bool),
      person: optional(string(200)),
      role: optional(string(80)),
    }),
    answer: object({ acceptance: signed, firstSeq: int() }),
    about: 'File envelopes; payload blocks must be there. The vault itself, or a writer under a live write consent.',
  },
  access: {
    body: object({
      vault: did,
      action: oneOf('list', 'open'),
      terms: optional(encodedTerms),
      selection,
      purpose: oneOf(...PURPOSES),
      person: optional(string(200)),
      role: optional(string(80)),
      /** SHA-256 of the bundle of policies under which the reader decided to ask. */
      policy: optional(bytes(32)),
    }),
    answer: object({
      receipt,
      inclusion,
      verdict: oneOf('allowed', 'denied'),
      reasons: list(string(40), 16),
      groups: list(servedGroup, 4096),
      head: nullable(signed),
      next: nullable(int()),
      more: optional(int(0, MAX_COUNT)),
      capability: bytes({ max: 1 << 18 }),
    }),
    about: 'List cards or open keys. The receipt is in the log before anything leaves.',
  },
  revoke: {
    body: object({
      vault: did,
      holder: address,
      commitment: bytes(32),
      terms: optional(encodedTerms),
      deadline: int(),
      signature: optional(evmSignature),
    }),
    answer: written,
    about: 'End a consent: refused from now on here, then on the ledger; a proxy’s, whose holder key the vault lacks, here alone.',
  },
  meta: { body: meta, answer: written, about: 'Send to the ledger what the caller’s keys signed; the relay pays.' },
  report: {
    body: object({ evidence }),
    answer: written,
    about: 'Bring to the ledger what proves that a log showed two histories, this relay’s own or another’s; the relay pays.',
  },
  recovery: {
    body: recoveryStep,
    answer: written,
    about: 'Send to the ledger what a vault’s controller signed about its guardians, or what guardians voted; the relay pays.',
  },
  recover: {
    body: object({ vault: did }),
    answer: restored,
    about: 'The sealed keyring of a vault whose controller in force is the caller’s first key: after a recovery, and not before.',
  },
  erase: {
    body: object({ tombstone: signed }),
    answer: object({ receipt: signed }),
    about: 'Destroy the keys of the named records; the answer is the relay’s signed deletion receipt.',
  },
  'erase-vault': {
    body: object({ tombstone: signed }),
    answer: object({ receipt: signed }),
    about:
      'Destroy everything of the caller but its public bundles and tombstones, for good; the answer is the relay’s signed deletion receipt.',
  },
  tombstones: {
    body: object({ after: int() }),
    answer: object({ tombstones: list(signed, 256), last: int() }),
    about: 'The vault’s tombstones in order after a number: kept for ever, applied before any envelope is restored.',
  },
  'take-messages': {
    body: object({ done: list(bytes(16), 1024), after: optional(bytes(16)) }),
    answer: object({ messages: list(object({ id: bytes(16), message }), MESSAGES_PAGE) }),
    about:
      'Messages for the caller, in the order of their ids; those named in `done` are deleted first, and those up to `after` passed over.',
  },
  receipts: {
    body: object({ after: int(), limit: int(1, 512) }),
    answer: object({ receipts: list(object({ sealed: sealedReceipt, path: list(bytes(32), 64) }), 512), head: logHead, last: int() }),
    about: 'The vault’s receipts after a number, each with its inclusion proof under one head.',
  },
  'put-copy': {
    body: object({ vault: did, copy: bytes({ max: 1 << 18 }) }),
    answer: nothing,
    about: 'A reader’s sealed copy of a receipt that another relay gave.',
  },
  'take-copies': {
    body: object({ done: list(bytes(16), 1024) }),
    answer: object({ copies: list(object({ id: bytes(16), copy: bytes({ max: 1 << 18 }) }), 256) }),
    about: 'Copies of receipts that readers left for this vault.',
  },
  anchors: {
    body: object({ vault: did, ids: list(bytes(16), MAX_PAGE) }),
    answer: object({
      anchors: list(object({ id: bytes(16), root: bytes(32), size: int(1), index: int(), path: list(bytes(32), 40) }), MAX_PAGE),
    }),
    about: 'Anchor proofs of records the caller wrote or owns, as far as they exist.',
  },
  'put-link': {
    body: linkBody,
    answer: nothing,
    about: 'Leave sealed files under a random name, for whoever is told it; or replace those of a link that lasts.',
  },
  'end-link': {
    body: object({ id: linkId }),
    answer: nothing,
    about: 'End a link of one’s own: its files are destroyed, its name leads nowhere.',
  },
  'put-bell': {
    body: object({ bell: bytes(32), devices: list(wakeDevice, MAX_WAKES) }),
    answer: nothing,
    about:
      'Have these devices woken for whoever shows the bell of which this is the SHA-256; it takes the place of the caller’s one before.',
  },
  links: {
    body: nothing,
    answer: object({ links: list(linkState, MAX_LINKS) }),
    about: 'The caller’s links: until when, how often opened, how many wrong passcodes are left.',
  },
} as const satisfies Record<string, Method>

export type MethodName = keyof typeof METHODS
export type Body<M extends MethodName> = Infer<(typeof METHODS)[M]['body']>
export type Answer<M extends MethodName> = Infer<(typeof METHODS)[M]['answer']>

/** What anyone may ask a relay, without a signature. */
export const relayInfo = object({
  did,
  bundle,
  chainId: int(1),
  manifest: bytes({ max: 1 << 16 }),
  time: int(),
  version: string(40),
})
export type RelayInfo = Infer<typeof relayInfo>

export const publicCalendar = object({ calendar: signed, bundle })
export type PublicCalendar = Infer<typeof publicCalendar>
