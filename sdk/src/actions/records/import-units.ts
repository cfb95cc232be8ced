import type { Ctx } from '#actions/context'
import { toHex } from '#base/bytes'
import { isKeepwellError, KeepwellError } from '#base/error'
import { sha256, sha256Async, sha256Stream } from '#crypto/hash'
import { detect, HEAD_BYTES, type MediaGuess } from '#health/detect'
import { type FhirErrorPart, type FhirPart, type FhirResourcePart, splitFhir, splitNdjson } from '#health/fhir/split'
import type { Body } from '#records/payload'
import type { Filed } from './file-records.ts'
import { type Described, type Describer, describeBytes } from './import-describe.ts'
import { type ImportItem, MAX_LISTED, type Outcome, type Told, type Verdict } from './import-item.ts'
import type { Known } from './import-known.ts'
import { batches, mapAhead, readHead } from './import-stream.ts'
import { compartmentNamed } from './secrets.ts'

/** A verdict that needs no writing, or a draft to be filed with the verdict it will have. */
export type Unit = { readonly verdict: Verdict; readonly draft?: Filed }

export type Intake = {
  readonly ctx: Pick<Ctx, 'clock' | 'random' | 'session'>
  readonly known: Known
  readonly describe: Describer
  /** Files everything in this compartment instead of by the table. */
  readonly compartment?: string
  /** What comes is what its source holds now, and not an older copy. */
  readonly current?: boolean
}

/** Documents up to this size are held in memory; larger ones are read twice, once to know them and once to seal them. */
export const IN_MEMORY = 16 << 20
/** How much of a large document is looked at. */
const LOOKED_AT = 32 << 20
/** Broken pieces of a file are held back until it is clear whether anything in it can be read. */
const HELD_BYTES = 4 << 20

const DESCRIBED = { count: 96, bytes: 2 << 20, sizeOf: (p: FhirPart) => p.bytes.length }

/** Everything inside one item. Never throws for what the item holds; what its `chunks` throw becomes a `failed` verdict. */
export async function* unitsOf(intake: Intake, item: ImportItem): AsyncGenerator<Unit> {
  try {
    const { bytes: head } = await readHead(item.chunks(), HEAD_BYTES)
    if (head.length === 0) {
      yield failed(item, '', new KeepwellError('UNREADABLE', 'The file is empty; there is nothing to keep.'))
      return
    }
    const media = detect(item.name, head)
    if (media.kind === 'fhir-json' || media.kind === 'fhir-ndjson') yield* fhirUnits(intake, item, media)
    else yield await documentUnit(intake, item, media)
  } catch (e) {
    if (isKeepwellError(e, 'CANCELLED')) throw e
    yield failed(item, '', e)
  }
}

export function failed(item: { readonly name: string }, place: string, e: unknown): Unit {
  const known = isKeepwellError(e)
  return {
    verdict: {
      item: item.name,
      place,
      outcome: 'failed',
      code: known ? e.code : 'DEFECT',
      why: known ? e.message : 'The item could not be taken in; please report this.',
    },
  }
}

async function* fhirUnits(intake: Intake, item: ImportItem, media: MediaGuess): AsyncGenerator<Unit> {
  const parts = media.kind === 'fhir-ndjson' ? splitNdjson(item.chunks()) : splitFhir(item.chunks())
  let resources = 0
  let held: FhirErrorPart[] | null = []
  for await (const { group, described } of mapAhead(batches(parts, DESCRIBED), 2, g => describeGroup(intake, g))) {
    for (const part of group) {
      if (!part.error) {
        for (const broken of held ?? []) yield brokenUnit(intake, item, broken)
        held = null
        resources++
        yield resourceUnit(intake, item, part, described.get(part)!)
      } else if (held && held.reduce((n, p) => n + p.bytes.length, part.bytes.length) <= HELD_BYTES) held.push(part)
      else {
        for (const broken of held ?? []) yield brokenUnit(intake, item, broken)
        held = null
        yield brokenUnit(intake, item, part)
      }
    }
  }
  if (resources > 0 || held === null) return
  // Nothing in it can be read: it is kept whole, not in pieces.
  const why = held[0]?.error.text ?? 'The file holds no FHIR resource.'
  yield await documentUnit(intake, item, { kind: 'text', mediaType: media.mediaType }, why)
}

async function describeGroup(intake: Intake, group: FhirPart[]): Promise<{ group: FhirPart[]; described: Map<FhirPart, Described> }> {
  const good = group.filter((p): p is FhirResourcePart => !p.error)
  const found = await intake.describe.resources(good)
  return { group, described: new Map(good.map((p, i) => [p, found[i]!])) }
}

const resourceUnit = (intake: Intake, item: ImportItem, part: FhirResourcePart, described: Described): Unit =>
  unit(intake, {
    item,
    place: part.path,
    described,
    body: part.bytes,
    ...(item.told?.attributes ? { told: { attributes: item.told.attributes } } : {}),
  })

/** A piece that could not be read: its bytes are kept, as far as the splitter could hold them. */
function brokenUnit(intake: Intake, item: ImportItem, part: FhirErrorPart): Unit {
  const why = part.error.text
  if (part.bytes.length === 0) {
    const code = part.error.code === 'too-large' ? 'TOO_LARGE' : 'UNREADABLE'
    return failed(item, part.path, new KeepwellError(code, why))
  }
  const name = `${item.name} ${part.path}`
  const described = describeBytes({ name, bytes: part.bytes, whole: true, hash: sha256(part.bytes) })
  return unit(intake, { item, place: part.path, described, body: part.bytes, why })
}

async function documentUnit(intake: Intake, item: ImportItem, media: MediaGuess, why?: string): Promise<Unit> {
  const large = item.size > IN_MEMORY
  const { bytes, whole } = await readHead(item.chunks(), large ? LOOKED_AT : IN_MEMORY)
  const hash = item.hash ?? (await (whole ? sha256Async(bytes) : hashOf(item.chunks())))
  const body: Body = whole && !large ? bytes : { size: item.size, chunks: () => item.chunks() }
  const { told = {} } = item
  const input = { name: item.name, media, bytes, whole, hash, told }
  if (why !== undefined) return unit(intake, { item, place: '', described: describeBytes(input), body, hash, why })
  try {
    return unit(intake, { item, place: '', described: await intake.describe.document(input), body, hash, told })
  } catch (e) {
    if (!isKeepwellError(e, 'UNREADABLE')) throw e
    return unit(intake, { item, place: '', described: describeBytes(input), body, hash, why: e.message, told })
  }
}

async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const hash = sha256Stream()
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest()
}

type UnitInput = {
  readonly item: ImportItem
  readonly place: string
  readonly described: Described
  readonly body: Body
  /** SHA-256 of the body, where it was worked out. */
  readonly hash?: Uint8Array
  /** Why it was not what it claims to be; then it is kept as a document. */
  readonly why?: string
  /** Of a resource, its attributes only. */
  readonly told?: Told
}

function unit(intake: Intake, { item, place, described, body, hash, why, told = {} }: UnitInput): Unit {
  const { ctx } = intake
  const { kind, issues } = described
  // What a file says of itself (an instance of DICOM its UID) counts before where it lay.
  const source = described.facts.source ?? told.source
  const facts = source === undefined ? described.facts : { ...described.facts, source }
  const id = told.id ?? ctx.random(16)
  const claim = intake.known.claim(facts, id, intake.current)
  const base = { item: item.name, place, kind, ...(facts.resourceType ? { resourceType: facts.resourceType } : {}) }
  if (claim.state === 'there') return { verdict: { ...base, outcome: 'already-there', id: toHex(claim.id) } }
  const name = intake.compartment ?? described.compartment
  const faults = issues.filter(i => i.severity === 'error')
  const outcome: Outcome = why !== undefined ? 'unreadable' : faults.length ? 'taken-with-issues' : 'taken'
  const verdict: Verdict = {
    ...base,
    outcome,
    id: toHex(id),
    compartment: name,
    placed: intake.compartment !== undefined || described.placed,
    ...(claim.prior ? { prior: toHex(claim.prior) } : {}),
    ...(issues.length ? { issueCount: issues.length, issues: issues.slice(0, MAX_LISTED) } : {}),
    ...(why === undefined ? {} : { code: 'UNREADABLE', why }),
  }
  const file = item.name.slice(-300).toWellFormed()
  const draft: Filed = {
    id,
    kind,
    mediaType: described.mediaType,
    compartment: compartmentNamed(ctx.session.state.ring, name).id,
    authoredAt: ctx.clock(),
    body,
    ...(hash ? { bodyHash: hash } : {}),
    facts,
    attributes: { file, ...described.attributes, ...told.attributes },
    ...(claim.prior ? { prior: claim.prior } : {}),
    ...(described.digest ? { digest: described.digest } : {}),
  }
  return { verdict, draft }
}
