import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** Whether a client takes gzip (RFC 9110 §12.5.3): named, or all named, and not with a weight of nothing. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const weights = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map(part => {
        const [name = '', ...rest] = part.split(';').map(p => p.trim())
        const q = rest.find(r => r.startsWith('q='))?.slice(2)
        return [name, q === undefined ? 1 : Number(q)] as const
      }),
  )
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/** The same bytes, smaller. What fails in the source fails here, before the end that would make a part look whole. */
export async function* gzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const zip = createGzip()
  const feeding = pipeline(source, zip)
  feeding.catch(() => {})
  yield* zip as AsyncIterable<Uint8Array>
  await feeding
}
