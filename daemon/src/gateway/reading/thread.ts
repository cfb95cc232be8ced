/** The other side of `reader.ts`: what reads foreign bytes, and what judges what was read, on a thread that may fall. */
import { serveFenced } from '@keepwell/adapters/base/fenced-thread'
import { type Described, type DocumentInput, describeDocument, describeHere } from '@keepwell/sdk/actions/records/import-describe'
import { text } from '@keepwell/sdk/base/bytes'
import { type InstanceFacts, readInstance } from '@keepwell/sdk/health/dicom/instance'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import type { Issue } from '@keepwell/sdk/health/fhir/issue'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { knownParameters } from '@keepwell/sdk/health/fhir/search/known-parameters'
import { r4 } from '@keepwell/sdk/health/fhir/search/r4'
import { fromXml } from '@keepwell/sdk/health/fhir/xml'
import { type OutcomeIssue, Refusal } from '#gateway/fhir/outcome'
import { applied, type Patch } from '#gateway/fhir/patch'

export type Part = { readonly bytes: Uint8Array; readonly fullUrl?: string }
/** A refusal does not cross threads as an error. */
export type Patched = { readonly resource: JsonObject } | { readonly status: number; readonly issues: readonly OutcomeIssue[] }

const check = await loadChecker()
const searchParameter = knownParameters(r4)
const decoder = new TextDecoder()

function patched(resource: JsonObject, patch: Patch): Patched {
  try {
    return { resource: applied(resource, patch) }
  } catch (e) {
    if (e instanceof Refusal) return { status: e.status, issues: e.issues }
    throw e
  }
}

const work = {
  xml: (bytes: Uint8Array): Promise<JsonObject> => fromXml(text(bytes)),
  check: async ({ resource, thorough }: { readonly resource: JsonObject; readonly thorough: boolean }): Promise<readonly Issue[]> =>
    check(resource, thorough ? { searchParameter } : {}),
  patch: async ({ resource, patch }: { readonly resource: JsonObject; readonly patch: Patch }): Promise<Patched> =>
    patched(resource, patch),
  instance: async (bytes: Uint8Array): Promise<InstanceFacts> => readInstance(bytes),
  resources: ({ base, parts }: { readonly base: string | undefined; readonly parts: readonly Part[] }): Promise<readonly Described[]> =>
    describeHere(base).resources(parts.map(p => ({ ...p, resource: JSON.parse(decoder.decode(p.bytes)) as JsonObject }))),
  document: async (input: DocumentInput): Promise<Described> => describeDocument(input),
}

export type Work = typeof work
export type Ask = { readonly [K in keyof Work]: { readonly what: K; readonly input: Parameters<Work[K]>[0] } }[keyof Work]

serveFenced(({ what, input }: Ask): Promise<unknown> => (work[what] as (input: unknown) => Promise<unknown>)(input))
