import type { Ctx, Progress } from '#actions/context'
import { toHex, utf8 } from '#base/bytes'
import { isoTime } from '#base/time'
import type { Entry } from '#records/catalog'
import { ownVersions, replacements } from '#records/versions'
import { type OpenBody, openBodies } from './open-bodies.ts'

type Exporting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

/**
 * The records as one FHIR R4 collection Bundle, streamed. FHIR resources stand in it byte for byte as they came; everything else is a
 * DocumentReference with its content inside. A record that a newer one replaces is left out, for a Bundle holds one version of each; what somebody else wrote
 * to amend it stands beside it.
 */
export async function* exportBundle(ctx: Exporting, entries: readonly Entry[], progress: Progress = () => {}): AsyncGenerator<Uint8Array> {
  const replaced = replacements(entries, ownVersions(ctx.session.state.ring.did))
  const live = entries.filter(e => !replaced.has(toHex(e.id)))
  yield utf8(`{"resourceType":"Bundle","type":"collection","timestamp":"${isoTime(ctx.clock())}"`)
  let done = 0
  for await (const body of openBodies(ctx, live)) {
    // An empty array is not FHIR, so the member begins with the first entry.
    yield utf8(`${done === 0 ? ',"entry":[' : ','}\n{"fullUrl":${JSON.stringify(fullUrlOf(body))},"resource":`)
    yield* body.entry.card.kind === 'fhir' ? body.chunks() : documentReference(body)
    yield utf8('}')
    progress(++done, live.length)
  }
  yield utf8(done === 0 ? '}\n' : '\n]}\n')
}

const uuidOf = (id: Uint8Array): string => toHex(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
const UUID_REFERENCE = /^[A-Z][A-Za-z]+\/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/

/** What references inside the Bundle point to: the source's own fullUrl, else its UUID, else the record's id. */
function fullUrlOf({ entry, meta }: OpenBody): string {
  const own = meta.attributes?.fullUrl
  if (own) return own
  const source = entry.card.source ?? ''
  const uuid = UUID_REFERENCE.exec(source)?.[1]
  if (/^https?:/.test(source)) return source
  return `urn:uuid:${uuid ?? uuidOf(entry.id)}`
}

async function* documentReference({ entry, meta, chunks }: OpenBody): AsyncIterable<Uint8Array> {
  const { card } = entry
  const resource = {
    resourceType: 'DocumentReference',
    id: uuidOf(entry.id),
    status: 'current',
    ...(card.codes.length ? { type: { coding: card.codes } } : {}),
    description: card.title,
    date: isoTime(meta.authoredAt),
  }
  const attachment = { contentType: card.mediaType, size: card.size, title: meta.attributes?.file ?? card.title }
  // `content` is written by hand so that the data of any size can stream into it.
  yield utf8(`${JSON.stringify(resource).slice(0, -1)},"content":[{"attachment":${JSON.stringify(attachment).slice(0, -1)},"data":"`)
  yield* base64(chunks())
  yield utf8('"}}]}')
}

/** RFC 4648 §4 over a stream: groups of three bytes, the rest kept for the next chunk. */
async function* base64(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0)
  const encoded = (bytes: Uint8Array): Uint8Array => {
    let binary = ''
    for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
    return utf8(btoa(binary))
  }
  for await (const chunk of chunks) {
    const all = new Uint8Array(rest.length + chunk.length)
    all.set(rest)
    all.set(chunk, rest.length)
    const whole = all.length - (all.length % 3)
    if (whole) yield encoded(all.subarray(0, whole))
    rest = all.slice(whole)
  }
  if (rest.length) yield encoded(rest)
}
