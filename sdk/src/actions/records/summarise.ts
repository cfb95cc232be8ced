import type { Ctx, Progress } from '#actions/context'
import { concat, text, toHex } from '#base/bytes'
import { isoTime } from '#base/time'
import { patientSummary } from '#health/fhir/ips/patient-summary'
import { isObject, type JsonObject, resourceTypeOf } from '#health/fhir/read'
import { loadNames } from '#health/terminology/names'
import type { Entry } from '#records/catalog'
import { ownVersions, replacements } from '#records/versions'
import { openBodies } from './open-bodies.ts'

type Exporting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

/** A body that claims to be FHIR and is not readable has been told of when it came; a summary goes on without it. */
function parsed(bytes: Uint8Array): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text(bytes))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** The International Patient Summary of these records as a document Bundle, told by the person the record is about. */
export async function summarise(ctx: Exporting, entries: readonly Entry[], progress: Progress = () => {}): Promise<JsonObject> {
  const replaced = replacements(entries, ownVersions(ctx.session.state.ring.did))
  const fhir = entries.filter(e => e.card.kind === 'fhir' && !replaced.has(toHex(e.id)))
  const resources: JsonObject[] = []
  const urls = new Map<JsonObject, string>()
  let done = 0
  for await (const { meta, chunks } of openBodies(ctx, fhir)) {
    const parts: Uint8Array[] = []
    for await (const chunk of chunks()) parts.push(chunk)
    const resource = parsed(concat(...parts))
    if (resource) resources.push(resource)
    if (resource && meta.attributes?.fullUrl) urls.set(resource, meta.attributes.fullUrl)
    progress(++done, fhir.length)
  }
  const nameOf = await loadNames()
  const name = ctx.session.state.ring.name
  const patient = resources.find(r => resourceTypeOf(r) === 'Patient') ?? { resourceType: 'Patient', name: [{ text: name }] }
  return patientSummary(resources, { patient, author: patient, at: isoTime(ctx.clock()), urlOf: r => urls.get(r), nameOf })
}
