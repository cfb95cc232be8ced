import { KeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Actor, Gateway } from '#gateway/core/types'
import { granted } from '#gateway/fhir/access'
import { parseJson, resourceType } from '#gateway/fhir/content'
import { type OutcomeIssue, Refusal, refuse } from '#gateway/fhir/outcome'
import { patientsNamed } from '#gateway/fhir/whose'

/** A line as it came, from 1. */
export type Line = { readonly number: number; readonly bytes: Uint8Array }

/** One that may be written, and into whose record; or why not. */
export type Judged =
  | (Line & { readonly patient: string; readonly type: string; readonly refused?: undefined })
  | (Line & { readonly refused: readonly OutcomeIssue[] })

const NEWLINE = 0x0a

/** NDJSON in lines; those with nothing in them are none. */
export function* linesIn(bytes: Uint8Array): Generator<Line> {
  for (let at = 0, number = 1; at < bytes.length; number++) {
    const found = bytes.indexOf(NEWLINE, at)
    const end = found < 0 ? bytes.length : found
    const line = bytes.subarray(at, end)
    if (line.some(b => b > 0x20)) yield { number, bytes: line }
    at = end + 1
  }
}

export type Judging = { readonly gateway: Gateway; readonly actor: Actor; readonly base: string }

/** Whether a line is a resource that the caller may file, and of whom it is. */
export function judged(line: Line, judging: Judging): Judged {
  try {
    const resource = parseJson(line.bytes)
    const type = resourceType(resource)
    if (granted(judging.actor, type, 'c') !== true) throw refuse(403, 'forbidden', `The token’s scopes do not allow to create any ${type}.`)
    return { ...line, type, patient: ownerOf(resource, judging) }
  } catch (e) {
    if (e instanceof Refusal) return { ...line, refused: e.issues }
    if (e instanceof KeepwellError) return { ...line, refused: [{ severity: 'error', code: 'structure', text: e.message }] }
    throw e
  }
}

/**
 * Whose record a line goes into: the one that the request is about, or the one patient of this gateway whom it names. Names of patients elsewhere
 * are what a file from elsewhere has; that one of our own patients is named in another's file is a mistake.
 */
function ownerOf(resource: JsonObject, { gateway, actor, base }: Judging): string {
  const named = [...patientsNamed(resource, base), ...(resource.resourceType === 'Patient' ? [String(resource.id ?? '')] : [])]
  const ours = new Set(named.flatMap(id => gateway.patient(id)?.id ?? []))
  const [only] = ours
  if (ours.size > 1 || (only !== undefined && actor.patient !== null && only !== actor.patient))
    throw refuse(422, 'business-rule', 'The line names another patient than the one into whose record it would go.')
  const owner = actor.patient ?? only
  if (owner === undefined) throw refuse(422, 'required', 'The line names no patient who is known here, and the request is about none.')
  return owner
}
