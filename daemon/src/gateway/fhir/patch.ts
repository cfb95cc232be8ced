import { definitions } from '@keepwell/sdk/health/fhir/definitions.generated'
import { fhirPathPatched } from '@keepwell/sdk/health/fhir/patch/fhirpath-patch'
import { isObject, type JsonObject, string } from '@keepwell/sdk/health/fhir/read'
import { shapes } from '@keepwell/sdk/health/fhir/shapes'
import { bodyFormat, parseJson } from './content.ts'
import { patched } from './json-patch.ts'
import { refuse } from './outcome.ts'
import type { FhirRequest } from './route.ts'

/** JSON Patch (RFC 6902) or FHIRPath Patch (R4 http.html#patch), as it came. */
export type Patch = { readonly operations: unknown } | { readonly parameters: JsonObject }

const index = shapes(definitions)

/** What a patch makes of a resource. Its paths are programs of whoever sent it: run behind the fence. Throws a refusal that names the operation. */
export function applied(resource: JsonObject, patch: Patch): JsonObject {
  if ('operations' in patch) {
    const made = patched(resource, patch.operations)
    if (!isObject(made)) throw refuse(422, 'invalid', 'The patch leaves no resource.')
    return made
  }
  const made = fhirPathPatched(resource, patch.parameters, index)
  if ('resource' in made) return made.resource
  throw refuse(422, 'invalid', `Operation ${made.operation} of the patch ${made.text}.`, `Parameters.parameter[${made.operation}]`)
}

function byFhirPath(parameters: JsonObject): Patch {
  if (parameters.resourceType !== 'Parameters')
    throw refuse(400, 'structure', 'A FHIRPath Patch is a Parameters resource; of a whole resource use PUT.', 'resourceType')
  return { parameters }
}

/** The patch of a request, by the type of its body; `xml` reads one. */
export async function patchIn(
  { type, bytes }: Pick<FhirRequest, 'type' | 'bytes'>,
  xml: (bytes: Uint8Array) => Promise<JsonObject>,
): Promise<Patch> {
  // A JSON Patch is a list, and bodies are read as objects.
  if (type === 'application/json-patch+json') return { operations: parseJson(Buffer.concat([OPEN, bytes, CLOSE])).patch }
  return byFhirPath(bodyFormat(type) === 'json' ? parseJson(bytes) : await xml(bytes))
}

const OPEN = Buffer.from('{"patch":')
const CLOSE = Buffer.from('}')

/** In a Bundle a JSON Patch travels in a Binary, a FHIRPath Patch as it is. */
export function patchInEntry(resource: JsonObject | null, below: string): Patch {
  if (resource?.resourceType === 'Parameters') return byFhirPath(resource)
  const data = resource?.resourceType === 'Binary' ? string(resource.data) : undefined
  if (data === undefined)
    throw refuse(400, 'not-supported', 'A patch in a Bundle is a Parameters resource, or JSON Patch in a Binary.', below)
  try {
    return { operations: parseJson(Buffer.concat([OPEN, Buffer.from(data, 'base64'), CLOSE])).patch }
  } catch {
    throw refuse(400, 'structure', 'The patch is not JSON.', below)
  }
}
