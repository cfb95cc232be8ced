import type { Gateway, GatewayPart } from '#gateway/core/types'
import type { KeptTrail } from './kept.ts'
import { auditRows } from './rows.ts'

/** What happened at this gateway, for auditors. */
export const auditPart = (gateway: Gateway, trail: KeptTrail): GatewayPart => ({
  fhir: auditRows({ gateway, trail }),
  gauges: () => [{ name: 'keepwell_audit_events', about: 'Openings, writes and refusals noted.', value: trail.last(), type: 'counter' }],
})
