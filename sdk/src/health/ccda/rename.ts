/** Ids that stay: a document taken in again, or the next one of the same record, makes new versions and no doubles. */
import { field, isObject, type JsonObject, list, string } from '#health/fhir/read'

export type Naming = {
  readonly uuid: (name: string) => string
  /** `root|extension` of the patient. */
  readonly patient: string
  /** `root|extension` of the document. */
  readonly document: string
}

/** A resource's own number where it has one; else its place in this document. */
function keyOf(resource: JsonObject, place: number, { patient, document }: Naming): string {
  const type = resource.resourceType
  if (type === 'Patient') return JSON.stringify(['ccda', type, patient])
  if (type === 'Composition') return JSON.stringify(['ccda', type, document])
  const id = list(resource.identifier).find(i => string(field(i, 'value')))
  const code = list(field(resource.code ?? resource.vaccineCode ?? resource.medicationCodeableConcept, 'coding'))[0]
  if (id) return JSON.stringify(['ccda', type, patient, field(id, 'system'), field(id, 'value'), field(code, 'code')])
  const own = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(resource.id)) ? null : resource.id
  return JSON.stringify(['ccda', type, patient, document, own ?? place, field(code, 'code')])
}

/** Gives each resource its id and turns the references to it. The same thing said twice becomes one; two things with one key keep apart. */
export function renamed(resources: readonly JsonObject[], naming: Naming): JsonObject[] {
  const ids = new Map<string, string>()
  const taken = new Map<string, string>()
  const kept = resources.filter((r, place) => {
    const type = String(r.resourceType)
    const key = keyOf(r, place, naming)
    const content = JSON.stringify({ ...r, id: undefined })
    for (let n = 0; ; n++) {
      const id = naming.uuid(n ? `${key}#${n}` : key)
      const there = taken.get(`${type}/${id}`)
      if (there !== undefined && there !== content) continue
      ids.set(`${type}/${String(r.id)}`, id)
      taken.set(`${type}/${id}`, content)
      return there === undefined
    }
  })
  return kept.map(r => ({ ...(turned(r, ids) as JsonObject), id: ids.get(`${String(r.resourceType)}/${String(r.id)}`)! }))
}

function turned(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map(v => turned(v, ids))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([k, v]) => {
      const id = k === 'reference' && typeof v === 'string' ? ids.get(v) : undefined
      return [k, id ? `${(v as string).split('/')[0]}/${id}` : turned(v, ids)]
    }),
  )
}
