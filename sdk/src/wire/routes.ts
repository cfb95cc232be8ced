import { bytes, list, object } from '#base/shape'
import { MAX_BUNDLE } from '#consent/policy'
import { did } from '#identity/did'

export const CBOR = 'application/cbor'
export const JSON_TYPE = 'application/json'
export const CAR = 'application/vnd.ipld.car'
export const RAW = 'application/vnd.ipld.raw'
export const EVENTS = 'text/event-stream'
export const JOSE = 'application/jose'

/** Scheme of the `Authorization` header that carries a signed call, base64url of its CBOR. */
export const CALL_SCHEME = 'Keepwell'
/** Scheme of the `Authorization` header that carries a capability, base64url. */
export const CAPABILITY_SCHEME = 'Keepwell-Capability'

const MIB = 1 << 20
/** Payload blocks in one request, as a CAR. More is sent in several requests, each with a call of its own. */
export const MAX_CAR_BYTES = 64 * MIB
/** Addresses in one request for blocks. */
export const MAX_CIDS = 4096
/** A whole signed call with its body. */
export const MAX_CALL_BYTES = 17 * MIB

export type RouteSpec = {
  readonly method: 'GET' | 'POST'
  /** RFC 6570 level 1: `{name}` stands for one path segment. */
  readonly path: string
  readonly about: string
  readonly authorization?: 'call' | 'capability'
  /** Required query parameters, all whole numbers, and what they mean. */
  readonly query?: Readonly<Record<string, string>>
  /** The same for those that may be missing. */
  readonly optionalQuery?: Readonly<Record<string, string>>
  /** `max` in bytes, enforced while reading. */
  readonly request?: { readonly type: string; readonly max: number; readonly about: string }
  /** `max` is what a client takes before it gives up; absent for endless streams. */
  readonly answer: { readonly type: string; readonly max?: number; readonly about: string }
  /** Pages of any origin may ask: nothing rests on who the browser is. */
  readonly anyOrigin?: true
  /** What 404 means here, where it is an answer and not an error. */
  readonly absent?: string
}

/** Every door of a relay's HTTP server. The server, its OpenAPI document and the client's paths are all made from this table. */
export const ROUTES = {
  call: {
    method: 'POST',
    path: '/v1/call/{method}',
    about: 'A signed call; its methods are listed one by one.',
    request: { type: CBOR, max: MAX_CALL_BYTES, about: 'The signed call.' },
    answer: { type: CBOR, max: 128 * MIB, about: 'The method’s answer.' },
  },
  message: {
    method: 'POST',
    path: '/v1/messages',
    about: 'Leave a sealed message for a party that has its mailbox here.',
    request: { type: CBOR, max: 1 << 18, about: 'The sealed message.' },
    answer: { type: CBOR, max: 64, about: 'An empty map.' },
  },
  ring: {
    method: 'POST',
    path: '/v1/ring',
    about: 'Wake the devices of a party that gave the asker its bell. Limited in rate by address and by bell.',
    request: { type: CBOR, max: 512, about: 'The party and its bell.' },
    answer: { type: CBOR, max: 64, about: 'An empty map, at once, whether there is such a bell or not.' },
  },
  'put-blocks': {
    method: 'POST',
    path: '/v1/blocks',
    about: 'Store payload blocks; durable when answered.',
    authorization: 'call',
    request: { type: CAR, max: MAX_CAR_BYTES, about: 'The blocks, CARv1 without roots.' },
    answer: { type: CBOR, max: 64, about: 'An empty map.' },
  },
  'get-blocks': {
    method: 'POST',
    path: '/v1/blocks/get',
    about: 'Fetch payload blocks that a capability reaches, in the order asked; blocks that are not here are left out.',
    request: { type: CBOR, max: MIB, about: 'The capability and the addresses (36 bytes each).' },
    answer: { type: CAR, about: 'The blocks, CARv1 without roots.' },
  },
  block: {
    method: 'GET',
    path: '/v1/blocks/{cid}',
    about: 'Fetch one block, or one byte range of it.',
    authorization: 'capability',
    answer: { type: RAW, max: MIB, about: 'The bytes; check them against the address.' },
    absent: 'The block is not here.',
  },
  info: {
    method: 'GET',
    path: '/v1/info',
    about: 'Who this relay is: DID, key bundle, chain, contracts, time, version.',
    answer: { type: CBOR, max: MIB, about: 'Relay info.' },
  },
  bundle: {
    method: 'GET',
    path: '/v1/bundles/{did}',
    about: 'The latest key bundle of a party, or that of a version.',
    optionalQuery: { version: 'The version.' },
    answer: { type: CBOR, max: MIB, about: 'A key bundle; check its signatures.' },
    absent: 'No key bundle of that party is known here.',
  },
  calendar: {
    method: 'GET',
    path: '/v1/calendars/{did}',
    about: 'A vault’s signed calendar of epoch keys, with its key bundle.',
    answer: { type: CBOR, max: 8 * MIB, about: 'Calendar and bundle.' },
    absent: 'The vault has no calendar here.',
  },
  page: {
    method: 'GET',
    path: '/v1/calendars/{did}/{compartment}',
    about: 'One compartment’s page of public epoch keys; the compartment in hex.',
    answer: { type: CBOR, max: MIB, about: 'A byte string; check it against the calendar.' },
    absent: 'The vault has no such page here.',
  },
  restore: {
    method: 'POST',
    path: '/v1/restore',
    about: 'The sealed keyring filed under the tag that recovery words derive. Limited in rate by address.',
    request: { type: CBOR, max: 128, about: 'The tag.' },
    answer: { type: CBOR, max: 128 * MIB, about: 'Sealed keyring, vault head and key bundle.' },
    absent: 'No vault is filed under that tag.',
  },
  policy: {
    method: 'GET',
    path: '/v1/policies/{hash}',
    about: 'The bundle of policies of that SHA-256 (hex), if the ledger names it as in force or announced.',
    answer: { type: CBOR, max: MAX_BUNDLE + 8, about: 'A byte string; check it against the hash.' },
    absent: 'The ledger names no such bundle, or it is not here.',
  },
  head: {
    method: 'GET',
    path: '/v1/log/head',
    about: 'The signed head of the access log.',
    answer: { type: CBOR, max: 1 << 16, about: 'A log head.' },
  },
  consistency: {
    method: 'GET',
    path: '/v1/log/consistency',
    about: 'RFC 9162 proof that the log only grew between two sizes.',
    query: { from: 'The smaller size.', to: 'The larger size.' },
    answer: { type: CBOR, max: 1 << 16, about: 'Hashes of 32 bytes.' },
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    about: 'A word whenever something waits for the caller: messages, records, receipts.',
    authorization: 'call',
    answer: { type: EVENTS, about: 'One event per word.' },
  },
  link: {
    method: 'POST',
    path: '/shl/{id}',
    about: 'SMART Health Links: the manifest of a link, for whoever has its address (and its passcode).',
    request: { type: JSON_TYPE, max: 4096, about: '{recipient, passcode?, embeddedLengthMax?}' },
    anyOrigin: true,
    answer: { type: JSON_TYPE, about: '{status, files}; 401 {remainingAttempts} for a passcode that is missing or wrong.' },
    absent: 'There is no such link, or it has ended.',
  },
  'link-direct': {
    method: 'GET',
    path: '/shl/{id}',
    about: 'SMART Health Links: the file of a link with the flag U.',
    anyOrigin: true,
    answer: { type: JOSE, about: 'A compact JWE.' },
    absent: 'There is no such link, or it has ended.',
  },
  'link-file': {
    method: 'GET',
    path: '/shl-files/{ticket}',
    about: 'SMART Health Links: a file by the address that a manifest gave.',
    anyOrigin: true,
    answer: { type: JOSE, about: 'A compact JWE.' },
    absent: 'The address is too old, or the link has ended.',
  },
  rpc: {
    method: 'POST',
    path: '/rpc',
    about: 'JSON-RPC of the ledger: reading methods, and eth_sendRawTransaction where the ledger is embedded.',
    request: { type: JSON_TYPE, max: MIB, about: 'A JSON-RPC 2.0 request or batch.' },
    answer: { type: JSON_TYPE, about: 'The JSON-RPC 2.0 answer.' },
  },
  live: {
    method: 'GET',
    path: '/health/live',
    about: 'Whether the process answers.',
    answer: { type: JSON_TYPE, about: '{"live": true}' },
  },
  health: {
    method: 'GET',
    path: '/health',
    about: 'Whether the relay is ready: ledger, log, envelopes and blocks answer. 503 when one does not.',
    answer: { type: JSON_TYPE, about: 'Each part and whether it answers.' },
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    about: 'Counts in the Prometheus text format; no identifiers.',
    answer: { type: 'text/plain; version=0.0.4; charset=utf-8', about: 'Metrics.' },
  },
  openapi: {
    method: 'GET',
    path: '/openapi.json',
    about: 'This description.',
    answer: { type: JSON_TYPE, about: 'OpenAPI 3.1.' },
  },
  home: {
    method: 'GET',
    path: '/',
    about: 'A page for people: the web application where one is installed, else the status page.',
    answer: { type: 'text/html; charset=utf-8', about: 'HTML.' },
  },
  status: {
    method: 'GET',
    path: '/status',
    about: 'A page for people: what this is and how it is doing.',
    answer: { type: 'text/html; charset=utf-8', about: 'HTML.' },
  },
} as const satisfies Record<string, RouteSpec>

export type RouteName = keyof typeof ROUTES

/** The path of a route with its parameters filled in and escaped. */
export const pathOf = (name: RouteName, parameters: Readonly<Record<string, string>> = {}): string =>
  ROUTES[name].path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(parameters[key]!))

/** Body of `get-blocks`. */
export const getBlocksBody = object({ capability: bytes({ max: 1 << 19 }), cids: list(bytes(36), MAX_CIDS) })
/** Body of `restore`. */
export const restoreBody = object({ tag: bytes(32) })
/** Body of `ring`. */
export const ringBody = object({ to: did, bell: bytes(32) })
/** Answer of `consistency`. */
export const hashes = list(bytes(32), 128)
/** Answer of `policy`. */
export const policyBytes = bytes({ max: MAX_BUNDLE })
/** Answer of `page`. */
export const pageBytes = bytes({ max: 520 * 1216 })
