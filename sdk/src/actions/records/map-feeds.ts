import type { Ctx } from '#actions/context'
import { toHex, utf8 } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { isoTime } from '#base/time'
import { hmacSha256 } from '#crypto/hash'
import { nameUuid } from '#crypto/name-uuid'
import { detect, HEAD_BYTES } from '#health/detect'
import { hl7Date } from '#health/document'
import { loadChecker } from '#health/fhir/check'
import type { JsonObject } from '#health/fhir/read'
import { LIMITS, parseMessage, splitMessages } from '#health/hl7v2/message'
import { toFhir } from '#health/hl7v2/to-fhir'
import type { ImportItem } from './import-item.ts'
import { readHead } from './import-stream.ts'

/** What a document said and what of it found no place: names of sections, segments and fields, never values. */
export type FeedReport = {
  readonly item: string
  readonly resources: number
  readonly left: readonly string[]
  /** Why nothing could be mapped; the document is kept all the same. */
  readonly why?: string
}

export type FeedMapping = {
  /** C-CDA as FHIR, where somebody can. */
  readonly ccda?: (bytes: Uint8Array) => Promise<{ readonly resources: readonly JsonObject[]; readonly left: readonly string[] }>
  readonly report: (report: FeedReport) => void
}

type Mapped = { readonly resources: readonly JsonObject[]; readonly left: readonly string[] }

/**
 * Passes files on as they are, and behind each C-CDA document and HL7 v2 file what it says as FHIR, with a Provenance that points to the
 * record which keeps it. What cannot be mapped is reported, and kept as a document like any other.
 */
export async function* mapFeeds(
  ctx: Pick<Ctx, 'clock' | 'session'>,
  source: AsyncIterable<ImportItem>,
  mapping: FeedMapping,
): AsyncGenerator<ImportItem> {
  for await (const item of source) {
    const kind = await kindOf(item)
    if (!kind || item.size > LIMITS.bytes) {
      yield item
      continue
    }
    const { bytes } = await readHead(item.chunks(), LIMITS.bytes)
    // The same file has the same record at each import, and nobody else can tell which file that is.
    const id = item.told?.id ?? hmacSha256(ctx.session.state.ring.catalog, bytes).slice(0, 16)
    yield { ...item, told: { ...item.told, id } }
    const mapped = await mappedBy(ctx, kind, bytes, mapping, id)
    if ('why' in mapped) {
      mapping.report({ item: item.name, resources: 0, left: [], why: mapped.why })
      continue
    }
    mapping.report({ item: item.name, resources: mapped.resources.length, left: mapped.left })
    if (mapped.resources.length) yield bundleItem(item.name, mapped.resources)
  }
}

async function kindOf(item: ImportItem): Promise<'ccda' | 'hl7v2' | null> {
  const { bytes } = await readHead(item.chunks(), HEAD_BYTES)
  const { kind } = detect(item.name, bytes)
  return kind === 'ccda' || kind === 'hl7v2' ? kind : null
}

async function mappedBy(
  ctx: Pick<Ctx, 'clock'>,
  kind: 'ccda' | 'hl7v2',
  bytes: Uint8Array,
  { ccda }: FeedMapping,
  id: Uint8Array,
): Promise<Mapped | { readonly why: string }> {
  const original = { reference: urnOf(id), type: 'DocumentReference' }
  try {
    if (kind === 'hl7v2') return await messagesOf(ctx, bytes, original)
    if (!ccda) return { why: 'C-CDA is not mapped here.' }
    const { resources, left } = await ccda(bytes)
    return { resources: [...resources, provenanceOf(ctx, resources, original)], left }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { why: e.message }
  }
}

const urnOf = (id: Uint8Array): string => `urn:uuid:${toHex(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`

async function messagesOf(ctx: Pick<Ctx, 'clock'>, bytes: Uint8Array, original: JsonObject): Promise<Mapped> {
  const check = await loadChecker()
  const resources = new Map<string, JsonObject>()
  const left = new Set<string>()
  for (const part of splitMessages(bytes)) {
    const message = parseMessage(part)
    const sent = hl7Date(message.segments[0]?.fields[7])
    // The message's own time where it has one, so that the same file gives the same Provenance again.
    const received = sent?.includes('T') ? sent : isoTime(ctx.clock())
    const mapped = toFhir(message, { uuid: nameUuid, received, original })
    for (const { resource } of mapped.resources)
      if (check(resource).some(i => i.severity === 'error')) left.add(`${resource.resourceType} that breaks FHIR’s rules`)
      else resources.set(`${resource.resourceType}/${String(resource.id)}`, resource)
    for (const field of mapped.report.unmapped) left.add(field)
    for (const { place, text } of mapped.report.notes) left.add(`${place}: ${text}`)
  }
  return { resources: [...resources.values()], left: [...left] }
}

/** Who says so: the document, under the time it gives itself. */
function provenanceOf(ctx: Pick<Ctx, 'clock'>, resources: readonly JsonObject[], original: JsonObject): JsonObject {
  const composition = resources.find(r => r.resourceType === 'Composition')
  const dated = typeof composition?.date === 'string' && composition.date.includes('T') ? composition.date : isoTime(ctx.clock())
  const title = typeof composition?.title === 'string' ? composition.title : 'C-CDA document'
  return {
    resourceType: 'Provenance',
    id: nameUuid(JSON.stringify(['ccda', 'Provenance', original.reference])),
    target: resources.map(r => ({ reference: `${String(r.resourceType)}/${String(r.id)}` })),
    recorded: dated,
    agent: [
      {
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'assembler' }] },
        who: { display: title },
      },
    ],
    entity: [{ role: 'source', what: original }],
  }
}

function bundleItem(name: string, resources: readonly JsonObject[]): ImportItem {
  const bytes = utf8(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: resources.map(resource => ({ resource })) }))
  return {
    name: `${name} as FHIR`,
    size: bytes.length,
    async *chunks() {
      yield bytes
    },
  }
}
