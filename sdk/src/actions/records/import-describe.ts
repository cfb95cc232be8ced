import type { CompartmentName } from '#base/compartments'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import type { MediaGuess } from '#health/detect'
import { dicomDigest } from '#health/dicom/digest'
import { type DicomFacts, parseDicom } from '#health/dicom/parse'
import { documentFacts } from '#health/document'
import { documentDigest } from '#health/document-words'
import { canonicalBytes, sourceId } from '#health/fhir/canonical'
import { type Checker, loadChecker } from '#health/fhir/check'
import { digestOf } from '#health/fhir/digest'
import { clean, facts } from '#health/fhir/facts'
import { type Issue, problem, warning } from '#health/fhir/issue'
import type { Coding, JsonObject } from '#health/fhir/read'
import { file } from '#health/filing'
import { loadNames, type NameOf, withNames } from '#health/terminology/names'
import type { Card } from '#records/card'
import { type PackedDigest, packDigest } from '#records/digest'
import type { CardFacts } from '#records/pack'
import type { Told } from './import-item.ts'

/** What a record is, worked out from its content alone. */
export type Described = {
  readonly kind: Card['kind']
  readonly mediaType: string
  readonly facts: CardFacts
  readonly compartment: CompartmentName
  readonly placed: boolean
  readonly issues: readonly Issue[]
  readonly attributes?: Readonly<Record<string, string>>
  /** For this device's search and trends; absent where nothing can be read. */
  readonly digest?: PackedDigest
}

export type ResourceInput = { readonly bytes: Uint8Array; readonly resource: JsonObject; readonly fullUrl?: string }

/**
 * Describes what comes. The work is pure, takes most of an import's time, and is about foreign bytes, so a platform may do it on another
 * thread. `document` throws UNREADABLE for what is not what it claims to be.
 */
export type Describer = {
  resources(resources: readonly ResourceInput[]): Promise<readonly Described[]>
  document(input: DocumentInput): Promise<Described>
}

/** Describes in this thread. `base` names the source for resources whose id is unique only there. */
export const describeHere = (base?: string): Describer => ({
  async resources(resources) {
    const [check, nameOf] = await Promise.all([loadChecker(), loadNames()])
    return resources.map(r => describeResource(check, r, base, nameOf))
  },
  document: async input => describeDocument(input),
})

const cut = (s: string | undefined, max: number): string | undefined => (s && s.length > max ? s.slice(0, max).toWellFormed() : s)

/** Cards are small: codes beyond about 3 KB of text are left to the record itself. */
function fitting(codes: readonly Coding[]): CardFacts['codes'] {
  const out: { system?: string; code: string; display?: string }[] = []
  let room = 3000
  for (const c of codes) {
    const display = cut(c.display, 300)
    const fits = { ...(c.system ? { system: cut(c.system, 300)! } : {}), code: cut(c.code, 200)!, ...(display ? { display } : {}) }
    room -= (fits.system?.length ?? 0) + fits.code.length + (display?.length ?? 0)
    if (room < 0 || out.length === 8) break
    out.push(fits)
  }
  return out
}

/** One FHIR resource: whatever has a resourceType is described as well as it can be. Never throws. */
export function describeResource(check: Checker, input: ResourceInput, base?: string, nameOf?: NameOf): Described {
  const shown = nameOf ? withNames(input.resource, nameOf) : input.resource
  return { ...describeCard(check, input, { ...(base ? { base } : {}), shown }), digest: packDigest(digestOf(input.resource)) }
}

/** The same for a record that leaves this device: what only its search and trends would need is left out. `shown` has names for its codes. */
export function describeCard(
  check: Checker,
  { bytes, resource, fullUrl }: ResourceInput,
  { base, shown = resource }: { readonly base?: string; readonly shown?: JsonObject } = {},
): Omit<Described, 'digest'> {
  const about = facts(shown)
  const filing = file(resource)
  const issues = check(resource)
  const source = cut(sourceId(resource, { ...(fullUrl ? { fullUrl } : {}), ...(base ? { base } : {}) }) ?? undefined, 600)
  const category = about.category?.map(c => cut(c, 80)!).slice(0, 8)
  return {
    kind: 'fhir',
    mediaType: 'application/fhir+json',
    compartment: filing.compartment,
    placed: filing.placed,
    issues,
    facts: {
      resourceType: cut(about.resourceType, 64)!,
      title: about.title.toWellFormed(),
      codes: fitting(about.codes),
      ...(about.dates.start ? { start: cut(about.dates.start, 40)! } : {}),
      ...(about.dates.end ? { end: cut(about.dates.end, 40)! } : {}),
      ...(category?.length ? { category } : {}),
      ...(about.status ? { status: cut(about.status, 40)! } : {}),
      ...(about.encounter && about.encounter.length <= 300 ? { encounter: about.encounter } : {}),
      ...(source ? { source } : {}),
      canonical: canonicalOf(resource, bytes),
      ...(issues.length ? { issues: issues.length } : {}),
    },
    ...(fullUrl && fullUrl.length <= 1000 ? { attributes: { fullUrl } } : {}),
  }
}

/** Text that is not Unicode has no canonical form; then the bytes themselves are compared. */
function canonicalOf(resource: JsonObject, bytes: Uint8Array): Uint8Array {
  try {
    return sha256(canonicalBytes(resource))
  } catch {
    return sha256(bytes)
  }
}

export type DocumentInput = {
  readonly name: string
  readonly media: MediaGuess
  /** The whole document, or its first part when it is large. */
  readonly bytes: Uint8Array
  readonly whole: boolean
  readonly hash: Uint8Array
  /** What whoever brings it calls it, and from when it is. */
  readonly told?: Told
}

const KINDS: Partial<Record<MediaGuess['kind'], Card['kind']>> = { dicom: 'dicom', vcf: 'genome', 'apple-health': 'wearable' }

/** A document kept as it is. @throws KeepwellError UNREADABLE when it is not what it claims to be. */
export function describeDocument(input: DocumentInput): Described {
  checkClaim(input)
  return input.media.kind === 'dicom' ? describeDicom(input) : describePlain(input)
}

/** Any bytes as a document, by name alone: what is left for a file that could not be understood. */
export const describeBytes = (input: Omit<DocumentInput, 'media'>): Described =>
  describePlain({ ...input, media: { kind: 'binary', mediaType: 'application/octet-stream' } })

function describePlain({ name, media, bytes, whole, hash, told }: DocumentInput): Described {
  const about = asTold(documentFacts(name, bytes, media), told)
  const { messageType } = about
  const kind = isOpenMhealth(media, bytes) ? 'wearable' : (KINDS[media.kind] ?? 'document')
  const known = kind === 'wearable' ? { ...media, kind } : media
  const filing = file({ ...known, title: about.title, codes: about.codes, ...(messageType ? { messageType } : {}) })
  return {
    kind,
    mediaType: cut(media.mediaType, 120)!,
    compartment: filing.compartment,
    placed: filing.placed,
    issues: [],
    facts: {
      title: about.title.toWellFormed(),
      codes: fitting(about.codes),
      ...(about.dates.start ? { start: cut(about.dates.start, 40)! } : {}),
      ...(about.dates.end ? { end: cut(about.dates.end, 40)! } : {}),
      canonical: hash,
    },
    ...(whole && kind === 'document' ? { digest: packDigest(documentDigest(media.mediaType, bytes)) } : {}),
  }
}

/** A document's facts, where nobody says otherwise. */
function asTold(about: ReturnType<typeof documentFacts>, { title, date, codes }: Told = {}): ReturnType<typeof documentFacts> {
  return {
    ...about,
    ...(title ? { title: clean(title) } : {}),
    ...(date ? { dates: { start: date } } : {}),
    ...(codes?.length ? { codes: codes.map(c => ({ ...c, system: c.system ?? '' })) } : {}),
  }
}

/** A data point of Open mHealth or IEEE 1752.1 names its schema in the header. */
function isOpenMhealth(media: MediaGuess, bytes: Uint8Array): boolean {
  if (media.mediaType !== 'application/json') return false
  const head = new TextDecoder().decode(bytes.subarray(0, 4096))
  return head.includes('"schema_id"') && /"namespace"\s*:\s*"(omh|ieee|granola)"/.test(head)
}

/** Media Storage Directory Storage: a DICOMDIR (PS3.10 §8.6). */
const DIRECTORY = '1.2.840.10008.1.3.10'
const DCM = 'http://dicom.nema.org/resources/ontology/DCM'

function describeDicom({ name, media, bytes, whole, hash }: DocumentInput): Described {
  const about = parseDicom(bytes)
  ensure(about.sopClassUid !== DIRECTORY, 'UNREADABLE', 'This is the table of contents of a disc; its images are taken in by themselves.')
  // Only the beginning of a large file is looked at, where nothing can be said about its end.
  const issues = about.issues
    .filter(i => whole || (i.code !== 'truncated' && i.code !== 'malformed'))
    .map(i => (i.code === 'no-preamble' ? warning : problem)(i.code, '', i.text))
  const { compartment, placed } = file({
    ...media,
    title: dicomTitle(about, name),
    ...(about.modality ? { modality: about.modality } : {}),
  })
  const instance = about.sopInstanceUid
  return {
    kind: 'dicom',
    mediaType: 'application/dicom',
    compartment,
    placed,
    issues,
    facts: {
      title: dicomTitle(about, name),
      codes: about.modality ? [{ system: DCM, code: cut(about.modality, 16)! }] : [],
      ...(about.studyDate ? { start: about.studyDate } : {}),
      ...(instance ? { source: `urn:oid:${cut(instance, 128)}` } : {}),
      canonical: hash,
      ...(issues.length ? { issues: issues.length } : {}),
    },
    attributes: attributesOf(about),
    digest: packDigest(dicomDigest(about)),
  }
}

function dicomTitle(about: DicomFacts, name: string): string {
  const told = clean(about.studyDescription ?? '') || clean(about.seriesDescription ?? '')
  const what = told || [about.modality, about.bodyPart].filter(Boolean).join(', ') || name
  return clean(about.instanceNumber === undefined ? what : `${what} (${about.instanceNumber})`).toWellFormed() || 'Image'
}

/** What a picture archive asks for first; kept inside the record, so that lists of series need no second parse. */
function attributesOf(about: DicomFacts): Record<string, string> {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid, sopClassUid, transferSyntax } = about
  const named = { studyInstanceUid, seriesInstanceUid, sopInstanceUid, sopClassUid, transferSyntax }
  return Object.fromEntries(Object.entries(named).flatMap(([k, v]) => (v ? [[k, cut(v, 128)!]] : [])))
}

/** What a file's name promises about its content. */
const PROMISES: Readonly<Record<string, MediaGuess['kind']>> = {
  pdf: 'pdf',
  dcm: 'dicom',
  vcf: 'vcf',
  png: 'image',
  jpg: 'image',
  jpeg: 'image',
  gif: 'image',
}

function checkClaim({ name, media, bytes, whole }: DocumentInput): void {
  const ext = /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1]?.toLowerCase() ?? ''
  const promised = PROMISES[ext]
  ensure(!promised || promised === media.kind, 'UNREADABLE', `The name says ${ext.toUpperCase()}, the content is something else.`)
  if (media.kind === 'pdf') ensure(hasPdfHeader(bytes), 'UNREADABLE', 'The file is not a PDF: its header is missing.')
  if ((ext === 'json' || ext === 'ndjson') && whole) ensure(parsesAsJson(bytes), 'UNREADABLE', 'The file is not well-formed JSON.')
}

/** PDF readers look for the header in the first 1024 bytes (ISO 32000-1 Annex H, note 13). */
const hasPdfHeader = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(0, 1024)).includes('%PDF-')

function parsesAsJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes))
    return true
  } catch {
    return false
  }
}
