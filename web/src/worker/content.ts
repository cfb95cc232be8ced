import type { Card } from '@keepwell/sdk/records/card'
import type { Content } from '#rpc/views.ts'

/** What the page may show of a body. A resource that cannot be read as one is shown as the file it came in. */
export function contentOf({ kind }: Pick<Card, 'kind'>, body: Uint8Array): Content {
  if (kind !== 'fhir') return { kind: 'file', bytes: body.slice() }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { kind: 'fhir', resource: JSON.parse(text) as Record<string, unknown>, text }
  } catch {
    return { kind: 'file', bytes: body.slice() }
  }
}
