import { ERRORS, isKeepwellError } from '@keepwell/sdk/base/error'
import type { Issue } from '@keepwell/sdk/health/fhir/issue'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { ErrorForm } from '#http/mount'

/** One issue of an OperationOutcome. Texts and expressions name places and parameters, never what stands there. */
export type OutcomeIssue = {
  readonly severity: 'error' | 'warning' | 'information'
  readonly code: string
  readonly text: string
  readonly expression?: string
}

export const outcome = (issues: readonly OutcomeIssue[]): JsonObject => ({
  resourceType: 'OperationOutcome',
  issue: issues.map(i => ({
    severity: i.severity,
    code: i.code,
    details: { text: i.text },
    diagnostics: i.text,
    ...(i.expression ? { expression: [i.expression] } : {}),
  })),
})

/** A refusal in FHIR's own words. */
export class Refusal extends Error {
  readonly status: number
  readonly issues: readonly OutcomeIssue[]
  constructor(status: number, issues: readonly OutcomeIssue[]) {
    super(issues[0]?.text ?? '')
    this.name = 'Refusal'
    this.status = status
    this.issues = issues
  }
}

export const refuse = (status: number, code: string, text: string, expression?: string): Refusal =>
  new Refusal(status, [{ severity: 'error', code, text, ...(expression ? { expression } : {}) }])

/** What a validation found, as issues at their elements. */
export const asIssues = (issues: readonly Issue[], below = ''): OutcomeIssue[] =>
  issues.map(({ severity, code, path, text }) => ({
    severity,
    code,
    text,
    expression: below ? `${below}${path.replace(/^[A-Z][A-Za-z]*/, '')}` : path,
  }))

/** An error inside a batch, or of one request, as status and outcome; null for what is no refusal but a defect. */
export function refusalOf(error: unknown): { readonly status: number; readonly outcome: JsonObject } | null {
  if (error instanceof Refusal) return { status: error.status, outcome: outcome(error.issues) }
  if (!isKeepwellError(error)) return null
  const { http, fhir } = ERRORS[error.code]
  return http < 500 || error.code === 'STOPPING' || error.code === 'RELAY_UNREACHABLE' || error.code === 'UNSCANNED'
    ? { status: http, outcome: outcome([{ severity: 'error', code: fhir, text: error.message }]) }
    : null
}

/** Refusals of the server below `/fhir`, before or after a handler: the code's own sentence, never another's words. */
export const OUTCOMES: ErrorForm = {
  prefix: '/fhir',
  answer: told => ({
    status: told.status,
    type: 'application/fhir+json; charset=utf-8',
    headers: {
      ...(told.wait ? { 'retry-after': String(told.wait) } : {}),
      ...(told.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: JSON.stringify(outcome([{ severity: 'error', code: ERRORS[told.code].fhir, text: told.message }])),
  }),
}
