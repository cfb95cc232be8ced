import type { Receipted } from '@keepwell/sdk/actions/access/ask'
import { receivedGrant } from '@keepwell/sdk/actions/access/grants'
import type { AnchoredUnder, OpenedRecord, RangedRecord, SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource, Store } from '@keepwell/sdk/health/fhir/search/types'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Meta } from '@keepwell/sdk/records/plain'
import { mayReplace } from '@keepwell/sdk/records/versions'
import { asDocument, asImagingStudy, asResource, type Image, imageOf, type Naming, rawId } from './as-fhir.ts'
import { signatures } from './as-provenance.ts'
import type { Hot } from './hot.ts'
import type { Ids } from './ids.ts'
import { namedPatient } from './patients.ts'
import { renamed } from './references.ts'
import type { Sift } from './scanning.ts'
import type { GatewayPatient, OpenRecord, PatientSession } from './types.ts'
import type { UnderWay } from './under-way.ts'

export type SessionParts = {
  readonly ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>
  readonly ids: Ids
  readonly url: string
  readonly patient: GatewayPatient
  readonly actor: PatientSession['actor']
  /** Commitments of the consents to open. */
  readonly grants: readonly Uint8Array[]
  /** Unix seconds. */
  readonly expires: number
  /** Records beyond which a record is large (`PatientSession.large`). */
  readonly large: number
  /** Told of each access under it. */
  readonly receipted?: Receipted
  /** Told which resource a record turned out to be. */
  readonly placed?: (record: string, reference: string) => void
  /** Told when a later listing brought something that was not there. */
  readonly filed?: (records: readonly string[]) => void
  /** Told the last write number of each vault whenever a listing has brought what was not there. */
  readonly listed?: (newest: ReadonlyMap<Did, number>) => void
  readonly hot?: Hot
  /** What of it may be shown, where that is looked into. */
  readonly sift?: Sift
  /** Which records of a consent the actor sees. */
  readonly sees: (grant: Uint8Array) => (record: SessionRecord) => boolean
  /** Of a consent the compartments that are asked for, where they are not all of it. */
  readonly only: (grant: Uint8Array) => readonly Uint8Array[] | null
  /** Whether role or policies leave out something of what the patient gave. */
  readonly narrowed: boolean
  /** The same text for the same decision about what is seen. */
  readonly decision: string
  /** Given what a relay is asked for, whose answer tells of an access. */
  readonly keep: UnderWay['keep']
  /** SHA-256 of the policies in force now, for receipts. */
  readonly policy: () => Uint8Array | null
}

const UNPROVEN = 'unproven '

/** Whose keys could not be had wrote under a name of their own: a writer can put any name on a record, and this one's counts for nothing else. */
const metaAs = ({ meta, author }: Pick<OpenedRecord, 'meta' | 'author'>): Meta =>
  author === 'verified' ? meta : { ...meta, author: `${UNPROVEN}${meta.author}` }

/** What was just written here, and is therefore known without reading it back. */
export type Written = { readonly meta: Meta; readonly resource: FhirResource }

type Keeping = { readonly store: Store; readonly authors: ReadonlyMap<string, Did>; readonly vaults: ReadonlyMap<string, Did> }

/** Whose word comes before whose at this gateway (decision 0068). */
function precedence(own: Did, patient: GatewayPatient, { store, authors, vaults }: Keeping) {
  const self = new Set(patient.vaults.map(v => v.did))
  /** How it knows the patient comes before what the patient says of themself, and that before what others wrote of them. */
  const rank = (did: Did | undefined): number =>
    did === undefined ? -1 : did === own ? 3 : self.has(did) ? 2 : did.startsWith(UNPROVEN) ? 0 : 1
  return {
    /** Its own comes first, as its own people gave it; of others only an author, or whose vault it is in, replaces what was written. */
    replaces(author: Did, record: string): boolean {
      const [older, subject = ''] = [authors.get(record), vaults.get(record)]
      return older !== undefined && (author === own || (older !== own && mayReplace(author, { older, subject })))
    },
    /** Whether this author's word of who the patient is counts after what is there; one that comes before another stands alone. */
    hears(author: Did): boolean {
      const before = store.read('Patient', patient.id)?.versionId
      const more = before === undefined ? 0 : rank(author) - rank(authors.get(before))
      if (more > 0) store.remove('Patient', patient.id)
      return more >= 0
    },
  }
}

type Known = {
  readonly authors: ReadonlyMap<string, Did>
  readonly chains: ReadonlyMap<string, string>
  readonly records: ReadonlyMap<string, OpenRecord>
}

/** The version of another author that a record amends, in its place or beside it. */
function amended({ author, prior }: Meta, { authors, chains, records }: Known): string | undefined {
  const older = prior && toHex(prior)
  const by = older && authors.get(older)
  const type = older && records.get(older)?.card.resourceType
  return by && type && by !== author ? `${type}/${chains.get(older)}/_history/${older}` : undefined
}

/** What a session holds in memory. It goes when nothing points to it any more. */
export function remember(parts: SessionParts) {
  const { ctx, ids, url, patient, placed } = parts
  const own = ctx.session.state.ring.did
  const store = openStore({ bases: [`${url}/fhir`] })
  const records = new Map<string, OpenRecord>()
  const authors = new Map<string, Did>()
  const vaults = new Map<string, Did>()
  const chains = new Map<string, string>()
  const uuids = new Map<string, string>()
  const images: Image[] = []
  const problems: { id: string; code: string }[] = []
  const sources = sourcesOf(parts)
  const word = precedence(own, patient, { store, authors, vaults })
  const naming: Naming = {
    ids,
    patient: patient.id,
    chained: ({ author, prior }) => (prior && word.replaces(author, toHex(prior)) ? chains.get(toHex(prior)) : undefined),
    typeOf: (author, uuid) => uuids.get(`${author} ${uuid}`),
  }
  store.put(namedPatient(patient))
  const later = resolvedLater(store, naming)

  function put(meta: Meta, body: Uint8Array): void {
    try {
      const parsed = fhirIn(body)
      uuids.set(`${meta.author} ${rawId(parsed, meta).toLowerCase()}`, parsed.resourceType)
      const resource = asResource(naming, meta, parsed)
      keep(meta, resource)
      later.note(meta, parsed, resource)
    } catch (e) {
      problems.push({ id: toHex(meta.id), code: isKeepwellError(e) ? e.code : 'UNREADABLE' })
    }
  }

  function keep(meta: Meta, resource: FhirResource): void {
    const record = toHex(meta.id)
    authors.set(record, meta.author)
    chains.set(record, String(resource.id))
    placed?.(record, `${resource.resourceType}/${String(resource.id)}`)
    if (resource.resourceType === 'Patient' && !word.hears(meta.author)) return
    store.put(resource, { method: meta.prior ? 'PUT' : 'POST' })
  }

  return {
    store,
    records: records as ReadonlyMap<string, OpenRecord>,
    authors: authors as ReadonlyMap<string, Did>,
    ...{ images: images as readonly Image[], problems: problems as readonly { readonly id: string; readonly code: string }[] },
    /** Logical id of what a record became: its resource, or the study of its image. */
    idOf(record: string): string | undefined {
      const study = images.find(i => i.recordId === record)?.study
      return study === undefined ? chains.get(record) : ids.resource(patient.id, 'dicom', study)
    },
    /** By record, as far as they were listed. */
    vaults: vaults as ReadonlyMap<string, Did>,
    /** Notes cards of a vault; gives those that are to be opened. */
    list: (fresh: readonly SessionRecord[], vault: Did): SessionRecord[] =>
      fresh.filter(r => {
        const id = toHex(r.id)
        const known = records.has(id)
        vaults.set(id, vault)
        records.set(id, { id, card: r.card, seq: r.seq })
        sources.anchored(id, r.anchor)
        for (const [name, type] of sourceNamed(r)) uuids.set(name, type)
        return !known && r.card.kind !== 'manifest'
      }),
    sink: {
      whole(opened: readonly OpenedRecord[]) {
        for (const o of opened) {
          const record = toHex(o.meta.id)
          if (authors.has(record)) continue
          put(metaAs(o), o.body)
          const type = records.get(record)?.card.resourceType
          const id = chains.get(record)
          if (type && id) sources.signed(o, `${type}/${id}/_history/${record}`, amended(metaAs(o), { authors, chains, records }))
        }
      },
      parts(opened: readonly RangedRecord[]) {
        const touched = new Set<string>()
        for (const o of opened) {
          const meta = metaAs(o)
          const record = records.get(toHex(meta.id))
          if (!record) continue
          const image = record.card.kind === 'dicom' ? imageOf(meta, record.card) : null
          if (!image) {
            const document = asDocument(naming, meta, record.card)
            keep(meta, document)
            sources.signed(o, `DocumentReference/${String(document.id)}/_history/${record.id}`)
          } else {
            const study = `ImagingStudy/${ids.resource(patient.id, 'dicom', image.study)}`
            sources.signed(o, study)
            authors.set(record.id, meta.author)
            placed?.(record.id, study)
            images.push(image)
            touched.add(image.study)
          }
        }
        for (const uid of touched) store.put(studyOf(naming, images, uid))
      },
      problem: (id: string, code: string) => void problems.push({ id, code }),
    },
    /** Where everything comes from, by its signatures. */
    sign() {
      for (const provenance of sources.take()) {
        store.remove('Provenance', String(provenance.id))
        store.put(provenance)
      }
    },
    /** Now that everything has a name: what pointed to something that came after it. */
    resolve: later.resolve,
    add(written: readonly Written[], vault: Did) {
      for (const { meta } of written) vaults.set(toHex(meta.id), vault)
      for (const { meta, resource } of written) keep(meta, resource)
    },
  }
}

const studyOf = (naming: Naming, images: readonly Image[], uid: string): FhirResource =>
  asImagingStudy(
    naming,
    images.filter(i => i.study === uid),
  )

/** Resources with a reference to something that had not come yet, when they came. */
function resolvedLater(store: Store, naming: Naming) {
  const unresolved: { readonly meta: Meta; readonly parsed: JsonObject }[] = []
  return {
    note(meta: Meta, parsed: JsonObject, resource: FhirResource): void {
      if (!meta.prior && names(resource, 'urn:uuid:')) unresolved.push({ meta, parsed })
    },
    resolve(): void {
      for (const { meta, parsed } of unresolved.splice(0)) {
        const resource = asResource(naming, meta, parsed)
        const { resourceType, id } = resource as FhirResource & { id: string }
        if (store.read(resourceType, id)?.versionId !== toHex(meta.id)) continue
        store.remove(resourceType, id)
        store.put(resource)
      }
    },
  }
}

/** What is known of where records come from. */
function sourcesOf(parts: SessionParts) {
  const anchors = new Map<string, AnchoredUnder>()
  const { add, take } = signatures({ ids: parts.ids, patient: parts.patient.id, nameOf: namesAround(parts), chain: chainOf(parts) })
  return {
    anchored: (record: string, anchor: AnchoredUnder | undefined) => void (anchor && anchors.set(record, anchor)),
    signed({ meta, proof, author }: Pick<OpenedRecord, 'meta' | 'proof' | 'author'>, reference: string, amends?: string): void {
      const record = toHex(meta.id)
      const checked = author === 'verified'
      add({ record, reference, author: meta.author, batch: proof.batch, checked, anchor: anchors.get(record), amends })
    },
    take,
  }
}

/** The names under which we know who signs. */
function namesAround({ ctx, patient }: SessionParts): (did: Did) => string | undefined {
  const { did, name, contacts } = ctx.session.state.ring
  const known = new Map<Did, string>(contacts.map(c => [c.did, c.name]))
  for (const vault of patient.vaults) known.set(vault.did, vault.name)
  return who => (who === did ? name : known.get(who))
}

/** All consents of a vault are on one chain; of several, the first speaks. */
const chainOf = ({ ctx, grants }: SessionParts): string => (grants[0] ? `eip155:${receivedGrant(ctx, grants[0]).terms.chainId}` : '')

/** How a card names a resource whose id is a UUID. */
const SOURCE = /^([A-Z][A-Za-z]+)\/([0-9a-f-]{36})$/

function sourceNamed({ card }: SessionRecord): [string, string][] {
  const found = SOURCE.exec(card.source ?? '')
  return found ? [[`${card.author} ${found[2]}`, found[1]!]] : []
}

const strict = new TextDecoder('utf-8', { fatal: true })

/** Throws UNREADABLE. */
function fhirIn(body: Uint8Array): JsonObject & { readonly resourceType: string } {
  const parsed: unknown = JSON.parse(strict.decode(body))
  ensure(isObject(parsed) && typeof parsed.resourceType === 'string', 'UNREADABLE', 'The record is no FHIR resource.')
  return parsed as JsonObject & { readonly resourceType: string }
}

/** Whether any reference of a resource begins so. */
function names(resource: JsonObject, beginning: string): boolean {
  let found = false
  renamed(resource, reference => {
    found ||= reference.startsWith(beginning)
    return null
  })
  return found
}
