import { isSensitive } from '#base/compartments'
import { ACTORS, HOLDERS, PARTS, type PolicyRequest, serves } from './policy.ts'
import { LEVELS, PURPOSES } from './terms.ts'

/** What no bundle may do (decision 0044). `permits` shows in the text; the others are looked for, request by request. */
export const FLOOR = {
  permits: 'A policy only forbids; what is permitted, the consent says.',
  own: 'Whoever’s record it is, and whoever acts for them, is never kept from it.',
  emergency: 'An emergency is never kept waiting.',
  asked: 'What the patient or the family asks for themselves is never forbidden.',
  live: 'A live consent is never blocked: its ordinary parts stay open to every role.',
  shared: 'A live consent is never blocked: of a sensitive part, one role at least that serves the purpose stays able.',
  giving: 'A person can always consent to treatment for up to 30 days.',
} as const
export type FloorRule = keyof typeof FLOOR

/** One of these at least has to stay permitted. */
export type Floored = { readonly rule: Exclude<FloorRule, 'permits'>; readonly oneOf: readonly PolicyRequest[] }

/** Names of the policies that forbid a request. */
export type Forbids = (request: PolicyRequest) => readonly string[]

export type Breach = { readonly rule: Floored['rule']; readonly request: PolicyRequest; readonly policies: readonly string[] }

const USES = ['read', 'write'] as const
const LONG = [1, 30, 366, 36_600]
/** Days for which treatment can always be consented to. */
const GIVING = 30

/** Everything a bundle is tried against: all of what policies can see, where it is bounded, so that what holds here holds always. */
export function* floor(): Generator<Floored> {
  const always = (rule: Floored['rule'], request: PolicyRequest): Floored => ({ rule, oneOf: [request] })
  for (const part of PARTS) {
    for (const purpose of PURPOSES)
      for (const action of [...USES, 'export'] as const)
        for (const vault of HOLDERS) yield always('own', { by: { vault }, action, part, purpose })
    for (const [rule, purposes] of [
      ['emergency', ['ETREAT']],
      ['asked', ['PATRQT', 'FAMRQT']],
    ] as const)
      for (const purpose of purposes) {
        for (const action of [...USES, 'export'] as const)
          for (const role of ACTORS) yield always(rule, { by: { role }, action, part, purpose })
        for (const vault of HOLDERS)
          for (const level of LEVELS)
            for (const days of LONG)
              for (const standing of [false, true])
                yield always(rule, { by: { vault }, action: 'grant', part, purpose, consent: { level, days, standing } })
      }
    yield* living(part)
    for (const vault of HOLDERS)
      for (const level of USES)
        for (let days = 1; days <= GIVING; days++)
          yield always('giving', { by: { vault }, action: 'grant', part, purpose: 'TREAT', consent: { level, days, standing: false } })
  }
}

/** A consent that lives: by its ordinary parts for whatever role its purpose has, by its sensitive ones for one of them at least. */
function* living(part: (typeof PARTS)[number]): Generator<Floored> {
  for (const purpose of PURPOSES)
    for (const action of USES) {
      const requests = ACTORS.filter(r => serves(r, purpose)).map(role => ({ by: { role }, action, part, purpose }))
      if (!isSensitive(part)) for (const request of requests) yield { rule: 'live', oneOf: [request] }
      else {
        const people = requests.filter(({ by }) => by.role !== 'system' && by.role !== 'other')
        yield { rule: 'shared', oneOf: people.length ? people : requests.filter(({ by }) => by.role === 'system') }
      }
    }
}

/** How a bundle would break this piece of the floor; null when it does not. */
export function breachOf({ rule, oneOf }: Floored, forbids: Forbids): Breach | null {
  const policies = oneOf.map(forbids)
  return policies.every(p => p.length > 0) ? { rule, request: oneOf[0]!, policies: [...new Set(policies.flat())] } : null
}

/** The breach in words, for whoever writes policies. */
export function tellBreach({ rule, request, policies }: Breach): string {
  const { by, action, part, purpose } = request
  const who = 'role' in by ? `a ${by.role}` : `the ${by.vault}`
  const what =
    request.action === 'grant'
      ? `giving ${request.consent.level} of ${part} for ${purpose}, ${request.consent.days} days${request.consent.standing ? ', by a standing rule' : ''}`
      : `${action} of ${part} for ${purpose}`
  return `${FLOOR[rule]} ${policies.join(', ')} would forbid ${who}: ${what}.`
}
