import type { RangedRecord } from '@keepwell/sdk/actions/access/open-session'
import type { ImportItem } from '@keepwell/sdk/actions/records/import-item'
import { mapAhead } from '@keepwell/sdk/actions/records/import-stream'
import { concat, equal, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { instanceFacts } from '@keepwell/sdk/health/dicom/instance'
import { readHeader } from '@keepwell/sdk/health/dicom/read'
import type { Image } from '#gateway/core/as-fhir'
import type { Actor, Gateway, PatientSession } from '#gateway/core/types'
import { granted } from '#gateway/fhir/access'
import type { Reader } from '#gateway/reading/reader'
import type { Imaging, Instance, Kept, Taken } from './imaging.ts'

/** Whose an instance or a query is, by the identifier the organisation gave the patient; null when nobody known goes by it. */
export type PatientOf = (identifier: { readonly value: string; readonly issuer: string }) => string | null

export type ImagingSource = {
  readonly gateway: Gateway
  readonly reader: Pick<Reader, 'instance'>
  readonly actor: Actor
  readonly patientOf: PatientOf
  readonly quarantine: Imaging['quarantine']
  /** Attributes that were read already; they go with the session. */
  readonly indexes: WeakMap<PatientSession, Map<string, Instance>>
  /** `PatientID` of the query, when there is one. */
  readonly asked: string | null
}

/** As much of a file as mostly holds all that comes before its pixels. */
const BEGINNING = 96 << 10
/** Records opened with one receipt. */
const PAGE = 256
const PAGE_BYTES = 32 << 20
/** Files read while those before them are on their way to the client. */
const AHEAD = 3
const LARGEST = 1 << 30

function rights({ actor }: ImagingSource, right: 'r' | 's' | 'c'): void {
  // A scope that names search arguments is about FHIR resources; what of an image would meet them is not for us to guess.
  if (granted(actor, 'ImagingStudy', right) !== true) throw new KeepwellError('DENIED', 'The token’s scopes do not cover imaging studies.')
}

/** The patient of a request: the one the token is for, or whom the query names. Nobody's images are looked through to find somebody. */
function patientOf(source: ImagingSource): string {
  const { gateway, actor, asked } = source
  const found = actor.patient ?? (asked === null ? null : whose(source, { value: asked, issuer: '' }))
  if (found) return found
  const open = gateway.openFor(actor)
  ensure(open.length === 1, 'BAD_INPUT', 'Say whose images: by a token for one patient, X-Keepwell-Patient, or PatientID in the query.')
  return open[0]!.patient.id
}

const whose = ({ gateway, patientOf }: ImagingSource, identifier: { value: string; issuer: string }): string | null =>
  gateway.patient(identifier.value)?.id ?? patientOf(identifier)

async function* bodyOf(session: PatientSession, recordId: string): AsyncGenerator<Uint8Array> {
  const record = await session.openBody(recordId)
  yield* record.read(0, record.meta.size)
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return parts.length === 1 ? parts[0]! : concat(...parts)
}

/** What stands in a file; null for one that came from elsewhere and cannot be served as DICOM. As a document it is still there. */
async function indexOf(
  { reader }: ImagingSource,
  { meta, here, read }: RangedRecord,
): Promise<{ readonly key: string; readonly found: Instance | null }> {
  const key = toHex(meta.id)
  try {
    const header = readHeader(await collected(read(0, Math.min(BEGINNING, here))))
    const facts = header ? instanceFacts(header) : await reader.instance(await collected(read(0, meta.size)))
    return { key, found: { ...facts, key, size: meta.size } }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { key, found: null }
  }
}

/** Reads what is not in the index yet, a page with one receipt; one file that cannot be read costs itself. */
async function indexed(source: ImagingSource, session: PatientSession, images: readonly Image[]): Promise<Instance[]> {
  const index = source.indexes.get(session) ?? new Map<string, Instance>()
  source.indexes.set(session, index)
  const missing = images.filter(i => !index.has(i.recordId))
  for (let at = 0; at < missing.length; at += PAGE) {
    const page = missing.slice(at, at + PAGE)
    const bodies = await session.openBodies(page.map(i => i.recordId))
    for await (const { key, found } of mapAhead(bodies, AHEAD, body => indexOf(source, body))) if (found) index.set(key, found)
  }
  return images.flatMap(i => index.get(i.recordId) ?? [])
}

/** Instances to be opened together: their keys are good for a few minutes only, and a slow client may take its time over one. */
function* pages(instances: readonly Instance[]): Generator<readonly Instance[]> {
  let from = 0
  let bytes = 0
  for (const [i, { size }] of instances.entries()) {
    if (i > from && (bytes + size > PAGE_BYTES || i - from === PAGE)) {
      yield instances.slice(from, i)
      from = i
      bytes = 0
    }
    bytes += size
  }
  yield instances.slice(from)
}

/** One UID may have been filed twice, by two organisations or again: the first of them is served. */
const distinct = (images: readonly Image[]): Image[] => [...new Map(images.toReversed().map(i => [i.instance, i])).values()].toReversed()

const itemName = ({ facts }: Pick<Taken, 'facts'>): string => `${facts.instance}.dcm`

const itemOf = ({ bytes, facts }: Taken, hash: Uint8Array): ImportItem => ({
  name: itemName({ facts }),
  size: bytes.length,
  hash,
  async *chunks() {
    yield bytes
  },
})

const REFUSED = new Set(['NO_GRANT', 'DENIED', 'GRANT_ENDED', 'NOT_FOUND', 'UNVERIFIED'])

/**
 * What lay in a patient's record when a request began, by instance; looked up once, since looking is a reading of the record. Cards say which
 * instances there may be, by what they name as their source, so that nobody waits for other images to be opened.
 */
type Before = { readonly named: (instance: string) => boolean; readonly find: (instance: string) => Promise<There | null> }
type There = { readonly session: PatientSession; readonly recordId: string }

const UNREAD: Before = { named: () => false, find: async () => null }

/** As a card names it, which has room for any UID that is one. */
const sourceOf = (instance: string): string => `urn:oid:${instance.slice(0, 128)}`

async function lying(source: ImagingSource, patient: string): Promise<Before> {
  if (!source.gateway.patient(patient)?.read) return UNREAD
  try {
    const session = await source.gateway.session(source.actor, patient)
    // Listed, and nothing opened for it.
    await session.ready([])
    const cards = [...session.records.values()].flatMap(r => (r.card.kind === 'dicom' ? [r.card] : []))
    const sources = new Set(cards.map(c => c.source))
    let images: Promise<ReadonlyMap<string, Image>> | undefined
    return {
      named: instance => sources.has(sourceOf(instance)) || sources.has(undefined),
      async find(instance) {
        images ??= session.ready(['ImagingStudy']).then(() => new Map(distinct(session.images).map(i => [i.instance, i])))
        const there = (await images).get(instance)
        return there ? { session, recordId: there.recordId } : null
      },
    }
  } catch (e) {
    // The consent to read has just ended, and its end is not told here yet: that to write stands by itself.
    if (isKeepwellError(e) && REFUSED.has(e.code)) return UNREAD
    throw e
  }
}

/** The first instance of a UID in this request, and what becomes of it. */
type First = { readonly hash: Uint8Array; readonly fate: PromiseWithResolvers<Kept> }

/** What was there before, under the same UID: with the same bytes or with others. */
async function compared({ named, find }: Before, t: Taken): Promise<Kept | null> {
  const there = named(t.facts.instance) ? await find(t.facts.instance) : null
  if (!there) return null
  return equal(await collected(bodyOf(there.session, there.recordId)), t.bytes) ? 'stored' : 'other'
}

/**
 * Files what is new. Of one UID twice in a request the first is filed, and the other shares its fate when it is the same: also while
 * another batch of the request is still under way, and so that what was not kept is not told to be.
 */
async function file(source: ImagingSource, patient: string, firsts: Map<string, First>, taken: readonly Taken[]): Promise<Kept[]> {
  const fresh: { readonly t: Taken; readonly first: First }[] = []
  const fates = taken.map((t): Kept | Promise<Kept> => {
    const hash = sha256(t.bytes)
    const known = firsts.get(t.facts.instance)
    if (known) return equal(known.hash, hash) ? known.fate.promise : 'other'
    const first: First = { hash, fate: Promise.withResolvers() }
    firsts.set(t.facts.instance, first)
    fresh.push({ t, first })
    return first.fate.promise
  })
  async function* items(): AsyncGenerator<ImportItem> {
    for (const { t, first } of fresh) yield itemOf(t, first.hash)
  }
  let [kept, infected] = [new Set<string>(), new Set<string>()]
  try {
    const verdicts = fresh.length ? await source.gateway.submit(source.actor, patient, { items: items() }) : []
    kept = new Set(verdicts.filter(v => v.outcome !== 'failed').map(v => v.item))
    infected = new Set(verdicts.filter(v => v.code === 'INFECTED').map(v => v.item))
  } finally {
    for (const { t, first } of fresh) {
      const name = itemName(t)
      const stored = kept.has(name)
      // One that was not kept may come again.
      if (!stored) firsts.delete(t.facts.instance)
      first.fate.resolve(stored ? 'stored' : infected.has(name) ? 'infected' : 'failed')
    }
  }
  return Promise.all(fates)
}

/** A patient's images as DICOMweb sees them: read in a session of theirs, written into their record, each with its receipt. */
export function patientImaging(source: ImagingSource): Imaging {
  const { gateway, actor } = source
  const before = new Map<string, Promise<Before>>()
  const firsts = new Map<string, First>()
  const lyingFor = (patient: string): Promise<Before> => {
    const found = before.get(patient) ?? lying(source, patient)
    before.set(patient, found)
    return found
  }
  const session = async (): Promise<PatientSession> => {
    const open = await gateway.session(actor, patientOf(source))
    await open.ready(['ImagingStudy'])
    return open
  }
  return {
    ...(source.asked !== null && whose(source, { value: source.asked, issuer: '' }) ? { chosenBy: source.asked } : {}),
    async instances(study) {
      rights(source, 's')
      const open = await session()
      return indexed(
        source,
        open,
        distinct(open.images).filter(i => study === undefined || i.study === study),
      )
    },
    async open(instance) {
      rights(source, 'r')
      ensure(instance.size <= LARGEST, 'TOO_LARGE', `An instance of more than ${LARGEST} bytes is not served.`)
      return collected(bodyOf(await session(), instance.key))
    },
    async *each(instances) {
      rights(source, 'r')
      const open = await session()
      for (const page of pages(instances)) {
        const bodies = new Map((await open.openBodies(page.map(i => i.key))).map(b => [toHex(b.meta.id), b]))
        yield* mapAhead(page, AHEAD, async ({ key }) => {
          const body = bodies.get(key)
          ensure(body, 'NOT_FOUND', 'An image is not at the relay any more.')
          return collected(body.read(0, body.meta.size))
        })
      }
    },
    async store(taken) {
      rights(source, 'c')
      const kept = new Map<Taken, Kept>()
      const issuer = (t: Taken): string => String(t.facts.attributes['00100021']?.Value?.[0] ?? '')
      const groups = Map.groupBy(taken, t => actor.patient ?? whose(source, { value: t.facts.patientId, issuer: issuer(t) }))
      for (const [patient, members] of groups)
        try {
          if (patient === null) continue
          const before = await lyingFor(patient)
          const fresh: Taken[] = []
          for (const t of members) {
            const there = await compared(before, t)
            if (there) kept.set(t, there)
            else fresh.push(t)
          }
          for (const [i, fate] of (await file(source, patient, firsts, fresh)).entries()) kept.set(fresh[i]!, fate)
        } catch (e) {
          if (!isKeepwellError(e)) throw e
          for (const t of members) kept.set(t, REFUSED.has(e.code) ? 'not-allowed' : 'failed')
        }
      return taken.map(t => kept.get(t) ?? 'not-allowed')
    },
    quarantine: source.quarantine,
  }
}
