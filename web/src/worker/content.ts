import { loadNames, readable } from '@keepwell/sdk/health/terminology/names'
import type { Card } from '@keepwell/sdk/records/card'
import type { Content } from '#rpc/views.ts'

/** What the page may show of a body: codes without a name get one, or are said to be codes; the text stays as it came. A resource that cannot be read as one is shown as the file it came in. */
export async function contentOf({ kind }: Pick<Card, 'kind'>, body: Uint8Array): Promise<Content> {
  if (kind !== 'fhir') return { kind: 'file', bytes: body.slice() }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { kind: 'fhir', resource: readable(JSON.parse(text) as Record<string, unknown>, await loadNames()), text }
  } catch {
    return { kind: 'file', bytes: body.slice() }
  }
}
