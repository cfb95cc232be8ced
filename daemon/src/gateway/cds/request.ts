import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { field, isObject, type JsonObject, string } from '@keepwell/sdk/health/fhir/read'
import { parseJson } from '#gateway/fhir/content'
import { isOf, resourcesIn } from './needs.ts'

export type Hook = 'patient-view' | 'order-sign'

/** A call of a hook, as far as it is used here. `fhirServer` and its token are not: the gateway goes to nobody's server for a caller. */
export type HookRequest = {
  readonly patient: string
  /** Orders that are about to be signed, each with an id. Empty for other hooks. */
  readonly drafts: readonly JsonObject[]
  /** By key; null for what the client could not fetch. */
  readonly prefetch: ReadonlyMap<string, readonly JsonObject[] | null>
}

export const MAX_REQUEST = 8 << 20
const MAX_RESOURCES = 10_000
const ID = /^[A-Za-z0-9\-.]{1,64}$/

const bad = (what: string): KeepwellError => new KeepwellError('BAD_INPUT', what)

/** Reads a call (CDS Hooks 2.0 §HTTP Request). Throws BAD_INPUT that names the field. */
export function readRequest(hook: Hook, bytes: Uint8Array): HookRequest {
  const body = jsonIn(bytes)
  ensure(body.hook === hook, 'BAD_INPUT', `hook: this service is for ${hook}.`)
  ensure(string(body.hookInstance), 'BAD_INPUT', 'hookInstance: expected a UUID.')
  ensure(isObject(body.context), 'BAD_INPUT', 'context: expected an object.')
  const patient = string(body.context.patientId)?.replace(/^Patient\//, '')
  if (!patient || !ID.test(patient)) throw bad('context.patientId: expected the id of a Patient.')
  const drafts = hook === 'order-sign' ? draftsIn(body.context.draftOrders, patient) : []
  const prefetch = new Map<string, readonly JsonObject[] | null>()
  for (const [key, value] of Object.entries(isObject(body.prefetch) ? body.prefetch : {}))
    prefetch.set(key, isObject(value) && value.resourceType !== 'OperationOutcome' ? resourcesIn(value) : null)
  const size = [...prefetch.values()].reduce((sum, r) => sum + (r?.length ?? 0), drafts.length)
  ensure(size <= MAX_RESOURCES, 'TOO_LARGE', `A call brings at most ${MAX_RESOURCES} resources.`)
  const stranger = [...prefetch.values()].some(all => all?.some(r => !isOf(patient, r)))
  ensure(!stranger, 'BAD_INPUT', 'prefetch: it holds another patient’s data.')
  return { patient, drafts, prefetch }
}

function draftsIn(given: unknown, patient: string): JsonObject[] {
  ensure(field(given, 'resourceType') === 'Bundle', 'BAD_INPUT', 'context.draftOrders: expected a Bundle.')
  const drafts = resourcesIn(given).filter(r => r.resourceType === 'MedicationRequest')
  ensure(
    drafts.every(d => isOf(patient, d)),
    'BAD_INPUT',
    'context.draftOrders: an order is for another patient.',
  )
  return drafts.map((d, i) => ({ ...d, id: string(d.id) ?? `draft-${i + 1}`, status: 'draft' }))
}

/** A body as a JSON object; depth is bounded. Throws BAD_INPUT. */
export function jsonIn(bytes: Uint8Array): JsonObject {
  try {
    return parseJson(bytes)
  } catch (cause) {
    throw cause instanceof KeepwellError ? cause : new KeepwellError('BAD_INPUT', 'The body is not a JSON object.', { cause })
  }
}
