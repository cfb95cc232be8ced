import { serveFenced } from '@keepwell/adapters/base/fenced-thread'
import { type Described, describeHere } from '@keepwell/sdk/actions/records/import-describe'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'

/** The other thread of `describe-worker.ts`: parses, checks and describes resources. */
export type Ask = {
  readonly base: string | undefined
  readonly parts: readonly { readonly bytes: Uint8Array; readonly fullUrl?: string }[]
}

const decoder = new TextDecoder()

serveFenced(
  ({ base, parts }: Ask): Promise<readonly Described[]> =>
    describeHere(base).resources(parts.map(p => ({ ...p, resource: JSON.parse(decoder.decode(p.bytes)) as JsonObject }))),
)
