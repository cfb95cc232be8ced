import { CBOR, JSON_TYPE, type RouteSpec } from './routes.ts'

/** Every door of a custodian's HTTP server; server and client are both made from this table, as a relay's are. */
export const CUSTODIAN_ROUTES = {
  custodian: {
    method: 'GET',
    path: '/v1/custodian',
    about: 'Who this custodian is: DID and key bundle.',
    answer: { type: CBOR, max: 1 << 17, about: 'Custodian info.' },
  },
  release: {
    method: 'POST',
    path: '/v1/custodian/release',
    about:
      'The share of one vault, sealed to the requester’s session key, once patient or contacts were told. A signed call of method release.',
    request: { type: CBOR, max: 1 << 18, about: 'The signed call.' },
    answer: { type: CBOR, max: 1 << 16, about: 'The sealed share.' },
  },
  drill: {
    method: 'POST',
    path: '/v1/custodian/drill',
    about: 'Proof for the vault itself that its share is here. A signed call of method drill.',
    request: { type: CBOR, max: 1 << 18, about: 'The signed call.' },
    answer: { type: CBOR, max: 1 << 10, about: 'Version and proof.' },
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
    about: 'Counts in the Prometheus text format, the time from agreement to notice among them; no identifiers.',
    answer: { type: 'text/plain; version=0.0.4; charset=utf-8', about: 'Metrics.' },
  },
} as const satisfies Record<string, RouteSpec>

export type CustodianRoute = keyof typeof CUSTODIAN_ROUTES
