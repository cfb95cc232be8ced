import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { frameBytes, framesOf, layoutOf } from '@keepwell/sdk/health/dicom/frames'
import { type DicomJson, elementAt } from '@keepwell/sdk/health/dicom/json'
import { type PartToWrite, writeMultipart } from '@keepwell/sdk/health/dicom/multipart'
import { nativeXml } from '@keepwell/sdk/health/dicom/native-xml'
import { type DicomFile, readDicom } from '@keepwell/sdk/health/dicom/read'
import { byteRange } from '#http/range'
import type { HttpAnswer, HttpRequest } from '#http/route'
import { takes, type Wanted, wanted } from './accept.ts'
import type { Imaging, Instance } from './imaging.ts'
import { littleEndian } from './render-task.ts'
import type { Renderer } from './renderer.ts'
import { EXPLICIT, frameMedia, isNative, OCTETS } from './syntaxes.ts'

export type Retrieving = {
  readonly imaging: Imaging
  readonly request: HttpRequest
  /** URL of the service, without a trailing slash. */
  readonly base: string
  readonly boundary: string
  /** Decodes and draws. */
  readonly renderer: Renderer
}

const DICOM = 'application/dicom'
const MULTIPART = 'multipart/related'

export const notAcceptable = (): KeepwellError =>
  new KeepwellError('NOT_ACCEPTABLE', 'None of the media types or transfer syntaxes asked for can be given; ask with transfer-syntax=*.')

const accepted = ({ request }: Retrieving): Wanted[] => wanted(request.headers.accept, request.query.get('accept'))

/** Instances that the path names; throws NOT_FOUND when there are none. */
export async function named({ imaging, request }: Pick<Retrieving, 'imaging' | 'request'>): Promise<readonly Instance[]> {
  const { study, series, instance } = request.params
  const found = (await imaging.instances(study)).filter(
    i => i.study === study && (!series || i.series === series) && (!instance || i.instance === instance),
  )
  ensure(found.length, 'NOT_FOUND', 'There is no such study, series or instance here.')
  return found
}

const locationOf = (base: string, i: Instance): string => `${base}/studies/${i.study}/series/${i.series}/instances/${i.instance}`

/** A syntax that was not named leaves the choice to us: what was stored is given as it is, and says what it is. */
const takesSyntax = (w: Wanted, syntax: string): boolean => w.syntax === null || w.syntax === '*' || w.syntax === syntax

function multipart(retrieving: Retrieving, type: string, parts: AsyncIterable<PartToWrite> | Iterable<PartToWrite>): HttpAnswer {
  const { boundary } = retrieving
  return { type: `${MULTIPART}; type="${type}"; boundary=${boundary}`, body: writeMultipart(parts, boundary) }
}

/** Whole instances (PS3.18 §10.4), each as it was stored. */
export async function retrieveInstances(retrieving: Retrieving): Promise<HttpAnswer> {
  const found = await named(retrieving)
  const choices = accepted(retrieving)
  const single = choices.find(w => w.type === DICOM)
  const many = choices.find(w => takes(w.type, MULTIPART) && takes(w.inner, DICOM))
  if (single && !many && found.length === 1) {
    if (!takesSyntax(single, found[0]!.transferSyntax)) throw notAcceptable()
    return { type: `${DICOM}; transfer-syntax=${found[0]!.transferSyntax}`, body: await retrieving.imaging.open(found[0]!) }
  }
  const fits = choices.filter(w => takes(w.type, MULTIPART) && takes(w.inner, DICOM))
  const given = found.filter(i => fits.some(w => takesSyntax(w, i.transferSyntax)))
  if (given.length < found.length) throw notAcceptable()
  return multipart(retrieving, DICOM, instanceParts(retrieving, given))
}

async function* instanceParts({ imaging, base }: Retrieving, instances: readonly Instance[]): AsyncGenerator<PartToWrite> {
  const left = instances.values()
  for await (const body of imaging.each(instances)) {
    const i = left.next().value!
    yield {
      headers: [
        ['content-type', `${DICOM}; transfer-syntax=${i.transferSyntax}`],
        ['content-location', locationOf(base, i)],
        ['content-length', String(body.length)],
      ],
      body,
    }
  }
}

/** References within become URLs here: an instance does not know where it is served. */
function placed(json: DicomJson, location: string): DicomJson {
  return JSON.parse(JSON.stringify(json), (key, value) => (key === 'BulkDataURI' ? `${location}/bulkdata/${value}` : value)) as DicomJson
}

/** All attributes but the large ones (PS3.18 §10.4.1.1.2), in JSON or XML. */
export async function retrieveMetadata(retrieving: Retrieving): Promise<HttpAnswer> {
  const found = await named(retrieving)
  const choices = accepted(retrieving)
  const json = choices.findIndex(w => takes(w.type, 'application/dicom+json') || w.type === 'application/json')
  const xml = choices.findIndex(w => w.type === MULTIPART && takes(w.inner, 'application/dicom+xml'))
  if (json < 0 && xml < 0) throw notAcceptable()
  const all = found.map(i =>
    placed({ ...i.attributes, '00083002': { vr: 'UI', Value: [i.transferSyntax] } }, locationOf(retrieving.base, i)),
  )
  if (json >= 0 && (xml < 0 || json <= xml)) return { type: 'application/dicom+json', body: JSON.stringify(all) }
  const encoder = new TextEncoder()
  const parts = all.map((a): PartToWrite => ({ headers: [['content-type', 'application/dicom+xml']], body: encoder.encode(nativeXml(a)) }))
  return multipart(retrieving, 'application/dicom+xml', parts)
}

/** `1,3` as positions from 0. Throws BAD_INPUT; NOT_FOUND beyond the last frame. */
export function frameList(text: string, frames: number): number[] {
  ensure(/^\d{1,7}(,\d{1,7}){0,9999}$/.test(text), 'BAD_INPUT', 'The list of frames is not a list of numbers.')
  return text.split(',').map(n => {
    ensure(Number(n) >= 1 && Number(n) <= frames, 'NOT_FOUND', `The instance has ${frames} frames.`)
    return Number(n) - 1
  })
}

/** Which coding each frame is given in: the stored one where the client takes it, else plain pixels. */
function frameCoding(choices: readonly Wanted[], stored: string): { readonly type: string; readonly syntax: string } {
  const media = frameMedia(stored)
  for (const w of choices) {
    if (!takes(w.type, MULTIPART) && !takes(w.type, media) && w.type !== OCTETS) continue
    const inner = w.type === MULTIPART || w.type === '*/*' || w.type === 'multipart/*' ? w.inner : w.type
    if (takes(inner, media) && (w.syntax === null || w.syntax === '*' || w.syntax === stored))
      return isNative(stored) ? { type: OCTETS, syntax: EXPLICIT } : { type: media, syntax: stored }
    if (!takes(inner, OCTETS)) continue
    if (w.syntax === '*' || w.syntax === stored) return { type: OCTETS, syntax: isNative(stored) ? EXPLICIT : stored }
    if (w.syntax === null || w.syntax === EXPLICIT) return { type: OCTETS, syntax: EXPLICIT }
  }
  throw notAcceptable()
}

async function only(retrieving: Retrieving): Promise<{ readonly instance: Instance; readonly file: DicomFile }> {
  const [instance] = await named(retrieving)
  return { instance: instance!, file: readDicom(await retrieving.imaging.open(instance!)) }
}

/** Single frames (PS3.18 §10.4.1.1.6). */
export async function retrieveFrames(retrieving: Retrieving): Promise<HttpAnswer> {
  const { instance, file } = await only(retrieving)
  const layout = layoutOf(file)
  ensure(layout, 'NOT_FOUND', 'The instance has no frames.')
  const { type, syntax } = frameCoding(accepted(retrieving), file.transferSyntax)
  const frames = framesOf(file, layout)
  const list = frameList(retrieving.request.params.frames!, frames.length)
  async function* parts(): AsyncGenerator<PartToWrite> {
    for (const n of list) {
      const stored = frameBytes(file, frames[n]!)
      const plain = isNative(file.transferSyntax) ? littleEndian(file, stored, layout!.bitsAllocated) : null
      const body =
        plain ?? (syntax === file.transferSyntax ? stored : await retrieving.renderer.run({ kind: 'decode', file: file.bytes, frame: n }))
      yield {
        headers: [
          ['content-type', `${type}; transfer-syntax=${syntax}`],
          ['content-location', `${locationOf(retrieving.base, instance)}/frames/${n + 1}`],
          ['content-length', String(body.length)],
        ],
        body,
      }
    }
  }
  return multipart(retrieving, type, parts())
}

/** One large value (PS3.18 §10.4.1.1.5): as it lies in the file, whole or a byte range; encapsulated pixels fragment by fragment. */
export async function retrieveBulk(retrieving: Retrieving): Promise<HttpAnswer> {
  const { file } = await only(retrieving)
  const { request } = retrieving
  const element = elementAt(file, request.params.path!)
  ensure(element && !element.items, 'NOT_FOUND', 'The instance has no such value.')
  const spans = element.fragments ? element.fragments.slice(1) : [element]
  const values = spans.map(({ at, length }) => file.bytes.subarray(at, at + length))
  const syntax = element.fragments ? file.transferSyntax : EXPLICIT
  const type = element.fragments ? frameMedia(file.transferSyntax) : OCTETS
  const choice = accepted(retrieving).find(
    w => (takes(w.type, MULTIPART) && (takes(w.inner, type) || takes(w.inner, OCTETS))) || takes(w.type, type) || w.type === OCTETS,
  )
  if (!choice) throw notAcceptable()
  if (choice.type === MULTIPART || choice.type === 'multipart/*' || values.length !== 1) {
    const inner = takes(choice.inner, type) ? type : OCTETS
    const headers = [['content-type', `${inner}; transfer-syntax=${syntax}`]] as const
    return multipart(
      retrieving,
      inner,
      values.map(body => ({ headers, body })),
    )
  }
  const [body] = values
  const range = byteRange(request.headers.range, body!.length)
  const headers = { 'accept-ranges': 'bytes' }
  if (!range) return { type, headers, body: body! }
  return {
    status: 206,
    type,
    headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end - 1}/${body!.length}` },
    body: body!.subarray(range.start, range.end),
  }
}
