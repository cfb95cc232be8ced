/** Sample patients as FHIR Bundles, streamed, so that their size is bounded by the disk and not by memory. */
import { utf8 } from '#base/bytes'
import type { Resource, SampleOptions } from './patient.ts'
import { samplePatient } from './patient.ts'

const CHUNK = 65_536

function* texts(seed: string, options: SampleOptions): Generator<string> {
  yield '{"resourceType":"Bundle","type":"transaction","entry":['
  let first = true
  for (const resource of samplePatient(seed, { ...options, references: 'urn' })) {
    const { id, ...body } = resource
    const request = { method: 'POST', url: resource.resourceType }
    yield `${first ? '' : ','}\n${JSON.stringify({ fullUrl: `urn:uuid:${id}`, resource: { ...body, id }, request })}`
    first = false
  }
  yield ']}\n'
}

/** The bytes of a transaction Bundle of `n` resources, in chunks of about 64 KiB. */
export async function* sampleBundleChunks(seed: string, n: number, options: Omit<SampleOptions, 'resources'>): AsyncGenerator<Uint8Array> {
  let pending = ''
  for (const text of texts(seed, { ...options, resources: n })) {
    pending += text
    if (pending.length < CHUNK) continue
    yield utf8(pending)
    pending = ''
  }
  if (pending) yield utf8(pending)
}

/** The same as one object, for small samples. */
export function sampleBundle(seed: string, options: SampleOptions): Record<string, unknown> {
  const entry = [...samplePatient(seed, { ...options, references: 'urn' })].map((resource: Resource) => ({
    fullUrl: `urn:uuid:${resource.id}`,
    resource,
    request: { method: 'POST', url: resource.resourceType },
  }))
  return { resourceType: 'Bundle', type: 'transaction', entry }
}

/** NDJSON, one resource a line, as Bulk Data exports it. */
export async function* sampleNdjsonChunks(seed: string, options: SampleOptions): AsyncGenerator<Uint8Array> {
  for (const resource of samplePatient(seed, options)) yield utf8(`${JSON.stringify(resource)}\n`)
}
