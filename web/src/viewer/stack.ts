import { cache, type Types, utilities } from '@cornerstonejs/core'
import type { DicomFacts } from '@keepwell/sdk/health/dicom/parse'
import { fetchImage, openSlices, openViewport } from './engine.ts'
import { around, type LoadFile, type Point, type Slice, type Window } from './slices.ts'

/** Unpacked pictures held of a stack, in bytes; the farthest from the one shown go first. */
const HELD = 128 << 20
const REACH = { ahead: 48, behind: 16 }
/** Fetched with one question, and so with one line in the owner's log. */
const TOGETHER = 12

export type Shown = {
  readonly facts: DicomFacts
  readonly color: boolean
  /** The file's own window. */
  readonly window: Window
  /** Least and greatest value. */
  readonly values: readonly [number, number]
}

/** How the picture is looked at now. */
export type Look = { readonly window: Window; readonly zoom: number; readonly invert: boolean }

export type Stack = {
  /** Draws a picture; null when another was asked for meanwhile. Throws NotDrawn. */
  show(index: number): Promise<Shown | null>
  look(): Look
  window(window: Window | null): void
  zoom(factor: number, at?: Point): void
  move(from: Point, to: Point): void
  turn(): void
  flip(): void
  invert(): void
  reset(): void
  resize(): void
  /** Between places on the screen and places in the picture. */
  toImage(at: Point): Point
  toScreen(at: Point): Point
  /** The values of the picture shown, row by row; null for colour. */
  values(): ArrayLike<number> | null
  close(): void
}

const windowOf = (range: { lower: number; upper: number } | undefined): Window => {
  const { windowCenter, windowWidth } = utilities.windowLevel.toWindowLevel(range?.lower ?? 0, range?.upper ?? 255)
  return { center: windowCenter, width: windowWidth }
}

/** A stack of pictures drawn in an element. `drawn` is told whenever the picture, or how it lies, has changed. */
export function openStack(element: HTMLDivElement, slices: readonly Slice[], load: LoadFile, drawn: () => void): Stack {
  const files = openSlices(slices, load)
  const { viewport, close } = openViewport(element)
  let turn = 0
  let at = 0
  let begun = false
  let chosen: Window | null = null
  const draw = (): void => {
    viewport.render()
    drawn()
  }
  const shownOf = (image: Types.IImage, facts: DicomFacts): Shown => ({
    facts,
    color: image.color,
    window: { center: first(image.windowCenter), width: first(image.windowWidth) },
    values: [image.minPixelValue, image.maxPixelValue],
  })
  const applyWindow = (window: Window): void => {
    const { lower, upper } = utilities.windowLevel.toLowHighRange(window.width, window.center)
    viewport.setProperties({ voiRange: { lower, upper } })
  }
  let closed = false
  let fetching = false
  const failed = new Set<string>()
  // One at a time goes on fetching what lies nearest to the picture shown, wherever that is by then.
  const fetchOn = async (): Promise<void> => {
    if (fetching) return
    fetching = true
    const missing = (): string[] =>
      around(at, files.ids.length, REACH)
        .map(i => files.ids[i]!)
        .filter(id => !failed.has(id) && !cache.getImageLoadObject(id))
    for (let next = missing(); next.length && !closed && cache.getCacheSize() < HELD; next = missing()) {
      // A picture that cannot be had says so when it is asked for.
      await Promise.all(next.slice(0, TOGETHER).map(id => fetchImage(id).catch(() => failed.add(id))))
    }
    fetching = false
  }
  const forgetFar = (index: number): void => {
    const held = files.ids.flatMap((id, i) => (cache.getImageLoadObject(id) ? [{ id, far: Math.abs(i - index) }] : []))
    for (const { id } of held.filter(h => h.far > 0).sort((a, b) => b.far - a.far)) {
      if (cache.getCacheSize() <= HELD) return
      cache.removeImageLoadObject(id, { force: true })
    }
  }
  return {
    async show(index) {
      const mine = ++turn
      at = index
      const id = files.ids[index]!
      const image = await fetchImage(id)
      if (mine !== turn) return null
      if (begun) await viewport.setImageIdIndex(index)
      else await viewport.setStack(files.ids, index)
      begun = true
      if (mine !== turn) return null
      const shown = shownOf(image, files.facts(id)!)
      applyWindow(chosen ?? shown.window)
      draw()
      forgetFar(index)
      void fetchOn()
      return shown
    },
    look: () => ({
      window: windowOf(viewport.getProperties().voiRange),
      zoom: viewport.getZoom(),
      invert: viewport.getProperties().invert ?? false,
    }),
    window(window) {
      chosen = window
      const image = viewport.getCornerstoneImage()
      applyWindow(window ?? { center: first(image.windowCenter), width: first(image.windowWidth) })
      draw()
    },
    ...eyeOf(viewport, draw),
    reset() {
      chosen = null
      viewport.setViewPresentation({ flipHorizontal: false, flipVertical: false, rotation: 0 })
      viewport.resetCamera()
      viewport.resetProperties()
      draw()
    },
    resize() {
      viewport.getRenderingEngine().resize(true, true)
      drawn()
    },
    toImage(at) {
      const { imageData } = viewport.getImageData()
      const [x = 0, y = 0] = utilities.transformWorldToIndexContinuous(imageData, viewport.canvasToWorld([...at]))
      return [x, y]
    },
    toScreen([x, y]) {
      const { imageData } = viewport.getImageData()
      const [left, top] = viewport.worldToCanvas(utilities.transformIndexToWorld(imageData, [x, y, 0]))
      return [left, top]
    },
    values() {
      const image = begun ? viewport.getCornerstoneImage() : null
      return image && !image.color ? image.getPixelData() : null
    },
    close() {
      turn++
      closed = true
      close()
      files.close()
    },
  }
}

const first = (value: number | number[]): number => (Array.isArray(value) ? (value[0] ?? 0) : value)

/** Moves the eye so that what was at one place comes to lie at another. */
function shift(viewport: Types.IStackViewport, from: Types.Point3, to: Types.Point3): void {
  const { focalPoint, position } = viewport.getCamera()
  if (!focalPoint || !position) return
  const moved = (p: Types.Point3): Types.Point3 => [p[0] - to[0] + from[0], p[1] - to[1] + from[1], p[2] - to[2] + from[2]]
  viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) })
}

/** Where one looks from. */
const eyeOf = (viewport: Types.IStackViewport, draw: () => void): Pick<Stack, 'zoom' | 'move' | 'turn' | 'flip' | 'invert'> => ({
  zoom(factor, at) {
    const before = at && viewport.canvasToWorld([...at])
    viewport.setZoom(Math.min(40, Math.max(0.1, viewport.getZoom() * factor)))
    if (at && before) shift(viewport, before, viewport.canvasToWorld([...at]))
    draw()
  },
  move(from, to) {
    shift(viewport, viewport.canvasToWorld([...from]), viewport.canvasToWorld([...to]))
    draw()
  },
  turn() {
    const view = viewport.getViewPresentation()
    viewport.setViewPresentation({ ...view, rotation: ((view.rotation ?? 0) + 90) % 360 })
    draw()
  },
  flip() {
    const view = viewport.getViewPresentation()
    viewport.setViewPresentation({ ...view, flipHorizontal: !view.flipHorizontal })
    draw()
  },
  invert() {
    viewport.setProperties({ invert: !viewport.getProperties().invert })
    draw()
  },
})
