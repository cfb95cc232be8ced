import { cosignature } from '#audit/cosign'
import { logHead } from '#audit/head'
import { bool, int, list, nullable, object, oneOf, string } from '#base/shape'
import { CBOR, JSON_TYPE, type RouteSpec } from './routes.ts'

/** Every door of a witness's HTTP server; server and client are both made from this table, as a relay's are. */
export const WITNESS_ROUTES = {
  witness: {
    method: 'GET',
    path: '/v1/witness',
    about: 'Who this witness is: name and Ed25519 key.',
    answer: { type: CBOR, max: 1024, about: 'Name and key.' },
  },
  seen: {
    method: 'GET',
    path: '/v1/heads/{log}',
    about: 'The newest head of a log that continues all that was seen before, cosigned, and what is held against the log.',
    answer: { type: CBOR, max: 1 << 16, about: 'Head, cosignature, charges.' },
    absent: 'This witness does not follow that log, or has not seen it yet.',
  },
  checkpoint: {
    method: 'GET',
    path: '/v1/heads/{log}/checkpoint',
    about: 'The same head as a C2SP checkpoint with the cosignature’s line, for the tools of other logs.',
    answer: { type: 'text/plain; charset=utf-8', max: 2048, about: 'A checkpoint.' },
    absent: 'This witness does not follow that log, or has not seen it yet.',
  },
  note: {
    method: 'POST',
    path: '/v1/heads',
    about: 'A head that the asker was shown, to be compared with what was seen here.',
    request: { type: CBOR, max: 1 << 14, about: 'The log head.' },
    answer: { type: CBOR, max: 1 << 14, about: 'Whether it agrees, and what is held against the log.' },
  },
  report: {
    method: 'POST',
    path: '/v1/reports',
    about: 'Proof against a log that is followed here: it is brought to the log’s ledger.',
    request: { type: CBOR, max: 1 << 14, about: 'Two signed heads, and the proof between them.' },
    answer: { type: CBOR, max: 1024, about: 'The transaction.' },
  },
  status: {
    method: 'GET',
    path: '/',
    about: 'A page for people: which logs are followed, and what is held against them.',
    answer: { type: 'text/html; charset=utf-8', about: 'HTML.' },
  },
  live: {
    method: 'GET',
    path: '/health/live',
    about: 'Whether the process answers.',
    answer: { type: JSON_TYPE, about: '{"live": true}' },
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    about: 'Counts in the Prometheus text format.',
    answer: { type: 'text/plain; version=0.0.4; charset=utf-8', about: 'Metrics.' },
  },
} as const satisfies Record<string, RouteSpec>

export type WitnessRoute = keyof typeof WITNESS_ROUTES

/** What a witness holds against a log. */
export const CHARGES = [
  /** Two signed heads that contradict each other, proven. */
  'fork',
  /** The log cannot show that it holds a head it signed. */
  'unproven',
  /** The log became shorter. */
  'shorter',
  /** The log is not the one its relay anchored. */
  'anchored',
  /** The log grew, and was not anchored in the time that was promised. */
  'late',
  /** Another relay, ledger or key answers at the address. */
  'replaced',
  /** What was shown is not signed by it. */
  'forged',
  /** Nothing that could be checked was answered for longer than the time promised. */
  'silent',
] as const
export type ChargeKind = (typeof CHARGES)[number]

const charge = object({ kind: oneOf(...CHARGES), since: int(), tx: nullable(string(80)) })
const charges = list(charge, 64)

export const seenHead = object({ head: logHead, cosignature, chainId: int(1), charges })
export const noted = object({ agrees: bool, charges })
export const reported = object({ tx: string(80) })
