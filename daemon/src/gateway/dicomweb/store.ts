import { release } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { InstanceFacts } from '@keepwell/sdk/health/dicom/instance'
import type { DicomJson, JsonElement } from '@keepwell/sdk/health/dicom/json'
import { boundaryOf, mediaType, type Part, readMultipart } from '@keepwell/sdk/health/dicom/multipart'
import { nativeXml } from '@keepwell/sdk/health/dicom/native-xml'
import type { Reader } from '#gateway/reading/reader'
import type { Budget } from '#http/body'
import type { HttpAnswer, HttpRequest } from '#http/route'
import { takes, wanted } from './accept.ts'
import type { Imaging, Kept, Taken } from './imaging.ts'

/** Why an instance was not stored (PS3.18 §I.2.2, PS3.4 §B.2.3, PS3.7 annex C), as it stands in (0008,1197). */
export const REASONS = {
  processing: 0x0110,
  duplicate: 0x0111,
  'not-allowed': 0x0124,
  'out-of-resources': 0xa700,
  mismatch: 0xa900,
  'not-understood': 0xc000,
} as const
export type Reason = keyof typeof REASONS

export type StoreLimits = {
  /** Bytes of one instance; it is held in memory. */
  readonly instance: number
  /** Bytes of one request. */
  readonly request: number
  /** Instances are stored together until they are that many bytes. */
  readonly batch: number
  /** Bytes of instances that all requests together hold. */
  readonly memory: number
}
export const STORE_LIMITS: StoreLimits = { instance: 512 << 20, request: 8 * 2 ** 30, batch: 32 << 20, memory: 1 << 30 }

type Named = Pick<InstanceFacts, 'study' | 'sopClass' | 'instance'>
/** One instance's fate; `facts` null when it does not even say what it is. */
type Fate = { readonly facts: Named | null; readonly reason: Reason | null }

const REASON_OF: Readonly<Record<Kept, Reason | null>> = {
  stored: null,
  other: 'duplicate',
  'not-allowed': 'not-allowed',
  infected: 'processing',
  failed: 'out-of-resources',
}

/** The bytes of a part, a copy of its own; beyond the limit it is read to its end and forgotten, so that the parts after it can be stored. */
async function partBytes(storing: Storing, { chunks }: Part): Promise<Uint8Array | null> {
  const { memory, held } = storing
  const max = storing.limits.instance
  const { add, bytes } = gathered(held.last)
  let length = 0
  let taken = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > max) continue
    memory.take(chunk.length)
    held.bytes += chunk.length
    taken += chunk.length
    add(chunk)
  }
  if (length <= max) {
    held.last = length
    return bytes()
  }
  release(bytes())
  give(storing, taken)
  return null
}

/** Room made before anything has come: the least, and the most on the word of the instance before. */
const ROOM = { least: 64 << 10, most: 4 << 20 }

/** Copies chunks into memory that is the caller’s own; the instances of a series are of one size, so that it is mostly the right size from the beginning. */
function gathered(expected: number) {
  let room = new Uint8Array(Math.min(Math.max(expected, ROOM.least), ROOM.most))
  let length = 0
  const resize = (size: number): void => {
    room = new Uint8Array(room.buffer.transfer(size))
  }
  return {
    add(chunk: Uint8Array): void {
      if (length + chunk.length > room.length) resize(Math.max(2 * room.length, length + chunk.length))
      room.set(chunk, length)
      length += chunk.length
    },
    bytes(): Uint8Array {
      if (length < room.length) resize(length)
      return room
    },
  }
}

type Storing = {
  readonly imaging: Imaging
  readonly reader: Pick<Reader, 'instance'>
  readonly study: string | null
  readonly limits: StoreLimits
  readonly fates: Fate[]
  /** What all requests hold together; what this one does of it, and the size of the instance before. */
  readonly memory: Budget
  readonly held: { bytes: number; last: number }
}

/** Takes one part apart; what cannot be stored has its fate at once. */
async function instanceOf(storing: Storing, part: Part): Promise<Taken | null> {
  const { imaging, reader, study, fates } = storing
  const bytes = await partBytes(storing, part)
  if (!bytes) {
    fates.push({ facts: null, reason: 'out-of-resources' })
    return null
  }
  try {
    const facts = await reader.instance(bytes)
    if (study === null || facts.study === study) return { bytes, facts }
    fates.push({ facts, reason: 'mismatch' })
  } catch (e) {
    if (isKeepwellError(e, 'RATE_LIMITED')) fates.push({ facts: null, reason: 'out-of-resources' })
    else if (isKeepwellError(e, 'UNREADABLE') || isKeepwellError(e, 'TOO_LARGE')) {
      await imaging.quarantine(bytes, e.message)
      fates.push({ facts: null, reason: 'not-understood' })
    } else throw e
  }
  done(storing, bytes)
  return null
}

function give({ memory, held }: Pick<Storing, 'memory' | 'held'>, bytes: number): void {
  memory.give(bytes)
  held.bytes -= bytes
}

/** Nobody reads an instance any more. */
function done(storing: Pick<Storing, 'memory' | 'held'>, bytes: Uint8Array): void {
  give(storing, bytes.length)
  release(bytes)
}

async function keep({ imaging, ...storing }: Storing, batch: readonly Taken[]): Promise<Fate[]> {
  try {
    const kept = await imaging.store(batch)
    return batch.map(({ facts }, i) => ({ facts, reason: REASON_OF[kept[i]!] }))
  } finally {
    for (const { bytes } of batch) done(storing, bytes)
  }
}

/** Batches stored at once: while one is on its way to the relay, the next is sealed. */
const STORING = 3

/** Reads and stores part by part: while three batches are being stored, the next is read. At most four are in memory. */
async function storeParts(storing: Storing, parts: AsyncIterable<Part>): Promise<void> {
  const { fates } = storing
  let batch: Taken[] = []
  let bytes = 0
  const running: Promise<Fate[]>[] = []
  const flush = async (): Promise<void> => {
    if (running.length === STORING) fates.push(...(await running.shift()!))
    const now = keep(storing, batch)
    // A failure is thrown where it is awaited.
    now.catch(() => {})
    running.push(now)
    batch = []
    bytes = 0
  }
  try {
    for await (const part of parts) {
      const instance = await instanceOf(storing, part)
      if (!instance) continue
      batch.push(instance)
      bytes += instance.bytes.length
      if (bytes >= storing.limits.batch) await flush()
    }
    if (batch.length) await flush()
    for (const kept of running.splice(0)) fates.push(...(await kept))
  } finally {
    // What is under way counts as held until it is done.
    await Promise.allSettled(running)
  }
}

async function* dicomParts(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  for await (const part of parts) {
    const type = mediaType(part.headers.get('content-type') ?? 'application/dicom').type
    ensure(type === 'application/dicom', 'BAD_TYPE', 'Only parts of type application/dicom are stored here.')
    yield part
  }
}

/** One part after another, or a single instance without an envelope (PS3.18 §10.5.1). */
function partsOf(request: HttpRequest, max: number): AsyncIterable<Part> {
  const { type, parameters } = mediaType(request.headers['content-type'] ?? '')
  const body = request.flow(max)
  if (type === 'application/dicom') return single(body)
  ensure(type === 'multipart/related', 'BAD_TYPE', 'The body must be multipart/related or application/dicom.')
  const inner = (parameters.get('type') ?? 'application/dicom').toLowerCase()
  ensure(inner === 'application/dicom', 'BAD_TYPE', 'Only parts of type application/dicom are stored here.')
  return dicomParts(readMultipart(body, boundaryOf(request.headers['content-type'])))
}

async function* single(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  yield { headers: new Map(), chunks }
}

const element = (vr: string, value: string | number): JsonElement => ({ vr, Value: [value] })
const reference = ({ sopClass, instance }: Named): Record<string, JsonElement> => ({
  '00081150': element('UI', sopClass),
  '00081155': element('UI', instance),
})

/** The Store Instances Response Module (PS3.18 §I.2). */
export function storeResponse(fates: readonly Fate[], base: string): DicomJson {
  const stored = fates.filter((f): f is { facts: Named; reason: null } => f.reason === null)
  const failed = fates.flatMap(f => (f.facts && f.reason ? [{ ...reference(f.facts), '00081197': element('US', REASONS[f.reason]) }] : []))
  const unnamed = fates.flatMap(f => (!f.facts && f.reason ? [{ '00081197': element('US', REASONS[f.reason]) }] : []))
  const studies = new Set(stored.map(f => f.facts.study))
  return {
    ...(studies.size === 1 ? { '00081190': element('UR', `${base}/studies/${[...studies][0]}`) } : {}),
    ...(failed.length ? { '00081198': { vr: 'SQ', Value: failed } } : {}),
    ...(stored.length
      ? {
          '00081199': {
            vr: 'SQ',
            Value: stored.map(({ facts }) => ({
              ...reference(facts),
              '00081190': element(
                'UR',
                `${base}/studies/${facts.study}/series/${(facts as InstanceFacts).series}/instances/${facts.instance}`,
              ),
            })),
          },
        }
      : {}),
    ...(unnamed.length ? { '0008119A': { vr: 'SQ', Value: unnamed } } : {}),
  }
}

/** 200: all stored. 202: some were not, or not all could be understood. 409: none was (PS3.18 §10.5.3.1). */
export function storeStatus(fates: readonly Fate[]): number {
  const stored = fates.filter(f => f.reason === null).length
  return stored === fates.length ? 200 : stored > 0 ? 202 : 409
}

/** STOW-RS. Every instance is answered for; one that fails does not keep the others from being stored. */
export async function storeInstances(input: {
  readonly imaging: Imaging
  readonly reader: Pick<Reader, 'instance'>
  readonly request: HttpRequest
  readonly base: string
  readonly limits: StoreLimits
  readonly memory: Budget
}): Promise<HttpAnswer> {
  const { imaging, reader, request, base, limits, memory } = input
  const choices = wanted(request.headers.accept, request.query.get('accept'))
  const xml = choices.findIndex(w => w.type === 'application/dicom+xml')
  const json = choices.findIndex(w => takes(w.type, 'application/dicom+json') || w.type === 'application/json')
  if (xml < 0 && json < 0) throw new KeepwellError('NOT_ACCEPTABLE', 'The response can be given as application/dicom+json or +xml.')
  const storing: Storing = { imaging, reader, study: request.params.study ?? null, limits, fates: [], memory, held: { bytes: 0, last: 0 } }
  try {
    await storeParts(storing, partsOf(request, limits.request))
  } finally {
    memory.give(storing.held.bytes)
  }
  ensure(storing.fates.length, 'BAD_INPUT', 'The body holds no instance.')
  const response = storeResponse(storing.fates, base)
  const status = storeStatus(storing.fates)
  if (xml >= 0 && (json < 0 || xml < json)) return { status, type: 'application/dicom+xml', body: nativeXml(response) }
  return { status, type: 'application/dicom+json', body: JSON.stringify(response) }
}
