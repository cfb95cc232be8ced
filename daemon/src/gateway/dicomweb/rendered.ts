import { ensure } from '@keepwell/sdk/base/error'
import { type DicomJson, firstText } from '@keepwell/sdk/health/dicom/json'
import type { Window } from '@keepwell/sdk/health/dicom/render'
import type { HttpAnswer } from '#http/route'
import { takes, wanted } from './accept.ts'
import type { Instance } from './imaging.ts'
import type { Task } from './render-task.ts'
import { frameList, named, notAcceptable, type Retrieving } from './retrieve.ts'

const MEDIA = ['image/jpeg', 'image/png'] as const
const SHAPES: Readonly<Record<string, Window['shape']>> = { linear: 'linear', 'linear-exact': 'linear-exact', sigmoid: 'sigmoid' }
/** Of a picture's side, when nothing else is asked for. */
const THUMBNAIL = 256
const MOST_SIDE = 16_384

function numbers(text: string, least: number, most: number, name: string): number[] {
  const parts = text.split(',')
  const found = parts.map(Number)
  const fine =
    parts.every((p, i) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(p) && Number.isFinite(found[i])) &&
    found.length >= least &&
    found.length <= most
  ensure(fine, 'BAD_INPUT', `The parameter ${name} is not what PS3.18 has for it.`)
  return found
}

/** `center,width,shape` (PS3.18 §8.3.5.1.4). */
function windowOf(text: string | null): Window | null {
  if (text === null) return null
  const [center = '', width = '', shape = 'linear', ...more] = text.split(',')
  const [c, w] = numbers(`${center},${width}`, 2, 2, 'window')
  ensure(more.length === 0 && SHAPES[shape] && w! > 0, 'BAD_INPUT', 'The parameter window is not what PS3.18 has for it.')
  return { center: c!, width: w!, shape: SHAPES[shape] }
}

/** `width,height`; source regions are not offered. */
function viewportOf(text: string | null, otherwise: number | null): readonly [number, number] | null {
  if (text === null) return otherwise === null ? null : [otherwise, otherwise]
  const [width, height] = numbers(text, 2, 2, 'viewport')
  ensure(width! >= 1 && height! >= 1 && width! <= MOST_SIDE && height! <= MOST_SIDE, 'BAD_INPUT', 'The viewport has no usable size.')
  return [Math.floor(width!), Math.floor(height!)]
}

/** The middle of a study or series stands for all of it. */
const middle = (instances: readonly Instance[]): Instance => {
  const drawable = instances.filter(i => i.attributes['7FE00010'] !== undefined)
  ensure(drawable.length, 'NOT_FOUND', 'There is no image to draw.')
  const number = (a: DicomJson): number => Number(firstText(a, '00200013')) || 0
  return drawable.toSorted((a, b) => number(a.attributes) - number(b.attributes))[drawable.length >> 1]!
}

/** A picture of an instance or a frame (PS3.18 §10.4.1.1.3), or with `thumbnail` of whatever the path names. */
export async function retrieveRendered(retrieving: Retrieving, thumbnail = false): Promise<HttpAnswer> {
  const { request, imaging, renderer } = retrieving
  const { query, params } = request
  const choices = wanted(request.headers.accept, query.get('accept'))
  const media = choices.map(w => MEDIA.find(m => takes(w.type, m))).find(m => m !== undefined)
  if (!media) throw notAcceptable()
  const quality = query.get('quality') === null ? 90 : numbers(query.get('quality')!, 1, 1, 'quality')[0]!
  ensure(quality >= 1 && quality <= 100, 'BAD_INPUT', 'The parameter quality lies between 1 and 100.')
  const window = windowOf(query.get('window'))
  const viewport = viewportOf(query.get('viewport'), thumbnail ? THUMBNAIL : null)
  const instance = middle(await named(retrieving))
  const frames = Number(firstText(instance.attributes, '00280008')) || 1
  const [frame] = params.frames ? frameList(params.frames, frames) : [thumbnail ? (frames - 1) >> 1 : 0]
  const task: Task = {
    kind: 'draw',
    file: await imaging.open(instance),
    frame: frame!,
    media,
    quality: Math.round(quality),
    window,
    viewport,
  }
  return { type: media, body: await renderer.run(task) }
}
