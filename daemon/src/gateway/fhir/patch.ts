import { text as decode } from '@keepwell/sdk/base/bytes'
import { definitions } from '@keepwell/sdk/health/fhir/definitions.generated'
import { fhirPathPatched } from '@keepwell/sdk/health/fhir/patch/fhirpath-patch'
import { isObject, type JsonObject, string } from '@keepwell/sdk/health/fhir/read'
import { shapes } from '@keepwell/sdk/health/fhir/shapes'
import { fromXml } from '@keepwell/sdk/health/fhir/xml'
import { bodyFormat, parseJson } from './content.ts'
import { patched } from './json-patch.ts'
import { refuse } from './outcome.ts'
import type { FhirRequest } from './route.ts'

/** What a patch makes of a resource. Throws a refusal that names the operation. */
export type Change = (resource: JsonObject) => JsonObject

const index = shapes(definitions)

function byFhirPath(patch: JsonObject): Change {
  if (patch.resourceType !== 'Parameters')
    throw refuse(400, 'structure', 'A FHIRPath Patch is a Parameters resource; of a whole resource use PUT.', 'resourceType')
  return resource => {
    const made = fhirPathPatched(resource, patch, index)
    if ('resource' in made) return made.resource
    throw refuse(422, 'invalid', `Operation ${made.operation} of the patch ${made.text}.`, `Parameters.parameter[${made.operation}]`)
  }
}

const byJson =
  (operations: unknown): Change =>
  resource => {
    const made = patched(resource, operations)
    if (!isObject(made)) throw refuse(422, 'invalid', 'The patch leaves no resource.')
    return made
  }

/** JSON Patch (RFC 6902) or FHIRPath Patch (R4 http.html#patch), by the type of the body. */
export async function changeIn({ type, bytes }: Pick<FhirRequest, 'type' | 'bytes'>): Promise<Change> {
  // A JSON Patch is a list, and bodies are read as objects.
  if (type === 'application/json-patch+json') return byJson(parseJson(Buffer.concat([OPEN, bytes, CLOSE])).patch)
  return byFhirPath(bodyFormat(type) === 'json' ? parseJson(bytes) : await fromXml(decode(bytes)))
}

const OPEN = Buffer.from('{"patch":')
const CLOSE = Buffer.from('}')

/** In a Bundle a JSON Patch travels in a Binary, a FHIRPath Patch as it is. */
export function changeInEntry(resource: JsonObject | null, below: string): Change {
  if (resource?.resourceType === 'Parameters') return byFhirPath(resource)
  const data = resource?.resourceType === 'Binary' ? string(resource.data) : undefined
  if (data === undefined)
    throw refuse(400, 'not-supported', 'A patch in a Bundle is a Parameters resource, or JSON Patch in a Binary.', below)
  try {
    return byJson(JSON.parse(Buffer.from(data, 'base64').toString('utf8')))
  } catch {
    throw refuse(400, 'structure', 'The patch is not JSON.', below)
  }
}
