import type { ImportItem } from '#actions/records/import-item'
import { toHex, utf8 } from '#base/bytes'
import { sha256 } from '#crypto/hash'
import { alone, parsed } from '#health/fhir/page'
import { POINTED_TO } from '#health/fhir/patient-set'
import { localReference, referencesOf } from '#health/fhir/pointers'
import { field, isObject, string } from '#health/fhir/read'
import { grantedFor } from '#health/smart/patient-scopes'
import type { Paper } from './connections.ts'
import { FHIR_JSON } from './pull-course.ts'
import { itemOf } from './pull-item.ts'
import { miss, missed, note, paperKey, type Run, toRead } from './pull-run.ts'
import { sameServer } from './reach.ts'

const MAX_RESOURCE = 32 << 20
const MAX_PAPER = 64 << 20

/** The patient's own details. */
export async function* patientItem(run: Run): AsyncGenerator<ImportItem> {
  if (grantedFor(run.connection.scope, 'Patient', 'r') === 'none') miss(run, { type: 'Patient', reason: 'not-permitted' })
  else yield* readItem(run, `Patient/${run.connection.patient}`)
}

/** Practitioners, organisations and whatever else the record points to, one by one, since no search by patient gives them. */
export async function* pointedItems(run: Run): AsyncGenerator<ImportItem> {
  const closed = new Set<string>()
  // What is read may point further; a set is walked on over what is added to it.
  for (const name of run.waiting) {
    const type = name.slice(0, name.indexOf('/'))
    if (closed.has(type)) continue
    if (grantedFor(run.connection.scope, type, 'r') === 'none') {
      closed.add(type)
      miss(run, { type, reason: 'not-permitted' })
      continue
    }
    yield* readItem(run, name, () => closed.add(type))
    if (run.stopped) return
  }
}

async function* readItem(run: Run, name: string, refused: () => void = () => {}): AsyncGenerator<ImportItem> {
  const { base } = run.connection
  const [type = '', id] = name.split('/')
  const url = `${base}/${name}`
  const got = await run.asker.get(url, FHIR_JSON, MAX_RESOURCE)
  const settled = (): void => {
    run.held.waiting.delete(name)
    run.held.read.add(name)
  }
  const lost = (): void => {
    settled()
    lose(run, type, 'gone')
  }
  if (!got.ok) {
    const gone = got.status === 404 || got.status === 410
    if (!gone) missed(run, type, got)
    else if (type === 'Patient') miss(run, { type, reason: 'gone' })
    else run.steps.push({ item: null, done: lost })
    if (got.reason === 'refused') refused()
    return
  }
  const resource = parsed(got.answer.body)
  if (!isObject(resource) || resource.resourceType !== type || resource.id !== id) {
    miss(run, { type, reason: 'unreadable' })
    return
  }
  run.came.set(type, (run.came.get(type) ?? 0) + 1)
  yield itemOf(run, name, alone(url, got.answer.body))
  const further = [...referencesOf(resource)].flatMap(r => {
    const local = localReference(r, base)
    const found = local && `${local.type}/${local.id}`
    return local && found && POINTED_TO.includes(local.type) && !run.held.read.has(found) && found !== name ? [found] : []
  })
  for (const one of further) toRead(run, one)
  run.steps.push({
    item: null,
    done: () => {
      for (const one of further) run.held.waiting.add(one)
      settled()
    },
  })
}

function lose(
  run: Run,
  type: string,
  reason: 'gone' | 'document-elsewhere' | 'document-gone' | 'document-refused' | 'document-too-large',
): void {
  run.held.lost = note(run.held.lost, { type, reason, count: 1 })
}

const markOf = (paper: Paper): string => toHex(sha256(utf8(paperKey(paper))).subarray(0, 8))

/** Documents that the record only points to, as files of their own: the bytes that the hospital keeps. */
export async function* paperItems(run: Run): AsyncGenerator<ImportItem> {
  for (const [key, paper] of run.papers) {
    const mark = markOf(paper)
    const settled = (): void => {
      run.held.papers.delete(key)
      run.held.documents.add(mark)
    }
    if (run.held.documents.has(mark)) {
      run.steps.push({ item: null, done: settled })
      continue
    }
    const { type, title = 'document', contentType, date, codes } = paper
    const got = await fetched(run, paper)
    if ('gone' in got) {
      const { gone } = got
      const lost = (): void => {
        settled()
        lose(run, type, gone)
      }
      run.steps.push({ item: null, done: lost })
      continue
    }
    if ('failed' in got) {
      if (run.stopped) return
      continue
    }
    run.came.set('Binary', (run.came.get('Binary') ?? 0) + 1)
    yield itemOf(run, `${title}${extensionOf(contentType, title)}`, got.bytes, {
      title,
      ...(date ? { date } : {}),
      codes,
      source: got.url.slice(0, 600),
      attributes: got.url.length <= 1000 ? { fullUrl: got.url } : {},
    })
    run.steps.push({ item: null, done: settled })
  }
}

type Fetched =
  | { readonly bytes: Uint8Array; readonly url: string }
  | { readonly gone: 'document-elsewhere' | 'document-gone' | 'document-refused' | 'document-too-large' }
  | { readonly failed: true }

async function fetched(run: Run, { type, url: link, contentType }: Paper): Promise<Fetched> {
  const url = sameServer(link, run.connection.base)
  if (url === null) return { gone: 'document-elsewhere' }
  const got = await run.asker.get(url, `${contentType ?? FHIR_JSON}, */*;q=0.1`, MAX_PAPER)
  if (got.ok) {
    const bytes = contentOf(got.answer.body, got.answer.type)
    if (bytes) return { bytes, url }
    miss(run, { type, reason: 'document-failed', count: 1 })
    return { failed: true }
  }
  if (got.reason === 'refused') return { gone: 'document-refused' }
  if (got.reason === 'too-large') return { gone: 'document-too-large' }
  if (got.reason === 'not-understood') return { gone: 'document-gone' }
  if (got.stop) missed(run, type, got)
  else miss(run, { type, reason: 'document-failed', count: 1 })
  return { failed: true }
}

/** A server may give a document as it is, or inside a Binary (R4 §binary: what is asked for decides, and not every server heeds it). */
function contentOf(body: Uint8Array, mediaType: string): Uint8Array | null {
  if (body.length === 0) return null
  if (!/json/i.test(mediaType)) return body
  const resource = parsed(body)
  if (field(resource, 'resourceType') !== 'Binary') return body
  try {
    return Uint8Array.from(atob((string(field(resource, 'data')) ?? '').replace(/\s+/g, '')), c => c.charCodeAt(0))
  } catch {
    return null
  }
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': '.pdf',
  'text/plain': '.txt',
  'text/html': '.html',
  'application/xml': '.xml',
  'text/xml': '.xml',
  'application/rtf': '.rtf',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'application/dicom': '.dcm',
}

function extensionOf(contentType: string | undefined, title: string): string {
  const extension = EXTENSIONS[(contentType ?? '').split(';')[0]!.trim().toLowerCase()] ?? ''
  return title.toLowerCase().endsWith(extension) ? '' : extension
}
