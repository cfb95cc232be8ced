import { KeepwellError } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import { sessionKey } from '#gateway/core/pool'
import type { Actor, Authenticate, Gateway, GatewayPart } from '#gateway/core/types'
import type { HttpAnswer, HttpRequest } from '#http/route'
import { type Card, cardsFor } from './cards.ts'
import { openEngine, type RuleName } from './engine.ts'
import { factsFor } from './facts.ts'
import { newFeedback } from './feedback.ts'
import { templates } from './needs.ts'
import { type Hook, MAX_REQUEST, readRequest } from './request.ts'

type Service = {
  readonly id: string
  readonly hook: Hook
  readonly title: string
  readonly description: string
  readonly rules: readonly RuleName[]
}

const SERVICES: readonly Service[] = [
  {
    id: 'keepwell-patient-view',
    hook: 'patient-view',
    title: 'What the record says at a glance',
    description:
      'Current drugs against recorded allergies, drugs ordered twice, vaccinations that are due, diabetes without an HbA1c in the last year.',
    rules: ['AllergyConflict', 'DuplicateMedication', 'VaccinationOverdue', 'HbA1cOverdue'],
  },
  {
    id: 'keepwell-order-sign',
    hook: 'order-sign',
    title: 'Orders against the record',
    description: 'Drugs that are about to be ordered, against recorded allergies and the orders that are current.',
    rules: ['AllergyConflict', 'DuplicateMedication'],
  },
]

export type CdsInput = {
  readonly gateway: Gateway
  readonly authenticate: Authenticate
  /** A new random UUID. */
  readonly uuid: () => string
}

const MAX_FEEDBACK = 1 << 20

/**
 * CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0/): rules written in CQL, run on the record that the patient opened to this organisation. Discovery is
 * open to all; a call bears what the gateway's other sides take.
 */
export function cdsPart({ gateway, authenticate, uuid }: CdsInput): GatewayPart {
  const engine = openEngine()
  const feedback = newFeedback()
  const serviceOf = ({ params }: HttpRequest): Service => {
    const found = SERVICES.find(s => s.id === params.id)
    if (!found) throw new KeepwellError('NOT_FOUND', 'There is no such service; /cds-services lists them.')
    return found
  }

  async function call(request: HttpRequest): Promise<HttpAnswer> {
    const actor = await authenticate(request)
    const { hook, rules } = serviceOf(request)
    const asked = readRequest(hook, await request.body(MAX_REQUEST))
    const facts = await factsFor(gateway, actor, asked, rules)
    if (!facts) return json(PRECONDITION, 412)
    const found = await engine.run({ rules: facts.rules, resources: facts.resources, now: isoTime(gateway.clock()) })
    feedback.failed(facts.rules.filter(r => found[r] === null).length)
    const drafts = hook === 'order-sign' ? new Set(asked.drafts.map(d => String(d.id))) : null
    const cards = cardsFor({ found, resources: facts.resources, drafts }).map(card => {
      const id = uuid()
      feedback.shown(id, { rule: card.rule, owner: ownerOf(actor) })
      return asShown(card, { id, source: gateway.name, uuid })
    })
    return json({ cards })
  }

  return {
    routes: [
      { name: 'cds-discovery', method: 'GET', path: '/cds-services', handle: () => json({ services: SERVICES.map(told) }) },
      { name: 'cds-service', method: 'POST', path: '/cds-services/{id}', accepts: 'application/json', handle: call },
      {
        name: 'cds-feedback',
        method: 'POST',
        path: '/cds-services/{id}/feedback',
        accepts: 'application/json',
        async handle(request) {
          const actor = await authenticate(request)
          serviceOf(request)
          feedback.take(ownerOf(actor), await request.body(MAX_FEEDBACK))
          return json({})
        },
      },
    ],
    gauges: feedback.gauges,
    close: engine.close,
  }
}

const PRECONDITION = {
  code: 'BAD_INPUT',
  message:
    'The record is not open to this caller, and the call did not bring all that a rule needs: send every prefetch, or ask for access.',
}

const ownerOf = (actor: Actor): string => `${actor.client ?? ''} ${sessionKey(actor, '')}`

const json = (value: unknown, status = 200): HttpAnswer => ({ status, type: 'application/json', body: JSON.stringify(value) })

const told = ({ id, hook, title, description, rules }: Service) => ({ id, hook, title, description, prefetch: templates(rules) })

type Showing = { readonly id: string; readonly source: string; readonly uuid: () => string }

const asShown = ({ summary, detail, indicator, leave, rule }: Card, { id, source, uuid }: Showing) => ({
  uuid: id,
  summary,
  detail,
  indicator,
  source: { label: `${source} (Keepwell rule ${rule})` },
  ...(leave
    ? {
        suggestions: [
          {
            label: 'Leave this order',
            uuid: uuid(),
            actions: [
              { type: 'delete', description: 'Take the order out of those to be signed.', resourceId: `MedicationRequest/${leave}` },
            ],
          },
        ],
        selectionBehavior: 'at-most-one',
      }
    : {}),
})
