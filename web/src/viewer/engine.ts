import { cache, Enums, getWebWorkerManager, imageLoader, init, RenderingEngine, type Types, utilities } from '@cornerstonejs/core'
import imageLoaders from '@cornerstonejs/dicom-image-loader/imageLoader'
import type { DicomFacts } from '@keepwell/sdk/health/dicom/parse'
import type { LoadFile, Slice } from './slices.ts'
import { checkFrame, NotDrawn, readImage } from './source.ts'

const { createImage, wadouri } = imageLoaders

type Log = { getLoggers(): Record<string, { setLevel(level: 'silent', persist: false): void }> }

const SCHEME = 'kept'
const DECODERS = 'dicomImageLoader'
const NATIVE = /^1\.2\.840\.10008\.1\.2(\.1|\.2|\.1\.99)?$/

type Source = { readonly load: () => Promise<Uint8Array>; facts: DicomFacts | null }

/** Files of the stacks that are open, by the number in their image ids. */
const sources = new Map<string, Source>()
let numbers = 0
let started = false
let open = 0

async function fileOf(number: string): Promise<ArrayBuffer> {
  const source = sources.get(number)
  if (!source) throw new NotDrawn('gone')
  const { file, facts } = readImage(await source.load())
  source.facts = facts
  return file.byteLength === file.buffer.byteLength ? (file.buffer as ArrayBuffer) : (file.slice().buffer as ArrayBuffer)
}

const numberOf = (imageId: string): string => wadouri.parseImageId(imageId).url

/** Every step that may fail stands inside the promise: an error beside it would reach nobody, and the picture would never come. */
async function decode(imageId: string, options: object): Promise<Types.IImage> {
  const number = numberOf(imageId)
  const set = await wadouri.dataSetCacheManager.load(number, (() => fileOf(number)) as never, imageId)
  const facts = sources.get(number)?.facts
  if (!facts) throw new NotDrawn('gone')
  try {
    const pixels = wadouri.getPixelData(set, wadouri.parseImageId(imageId).pixelDataFrame ?? 0)
    checkFrame(pixels as Uint8Array, NATIVE.test(facts.transferSyntax))
    return (await createImage(imageId, pixels as never, facts.transferSyntax, options)) as Types.IImage
  } catch (error) {
    throw error instanceof NotDrawn ? error : new NotDrawn('decode', facts)
  }
}

const loader = (imageId: string, options: object = {}): Types.IImageLoadObject => ({
  promise: decode(imageId, options) as never,
  decache: () => wadouri.dataSetCacheManager.unload(numberOf(imageId)),
})

/** Made anew for each picture: the loader writes into it how that picture's values were scaled. */
const options = () => ({ useRGBA: false, priority: 5 })

/** Unpacks a picture, or waits for the one that is being unpacked. */
export function fetchImage(id: string): Promise<Types.IImage> {
  const kept = cache.getImageLoadObject(id)
  if (kept) return kept.promise
  const loading = loader(id, options())
  // The library's own way of loading leaves this failure to nobody; whoever asked hears of it by the promise below.
  cache.putImageLoadObject(id, loading).catch(() => {})
  return loading.promise
}

function begin(): void {
  open++
  if (started) return
  started = true
  // What the libraries would log holds values of the image.
  for (const logger of Object.values((utilities.logger.log as Log).getLoggers())) logger.setLevel('silent', false)
  init({ rendering: { webGlContextCount: 1 } } as never)
  imageLoaders.init({ maxWebWorkers: 2, useLegacyMetadataProvider: true } as never)
  imageLoader.registerImageLoader(SCHEME, loader as never)
}

/** The decoders keep the last frame they unpacked, so they end with the last stack; the next one starts them anew. */
function end(): void {
  if (--open) return
  cache.purgeCache()
  wadouri.dataSetCacheManager.purge()
  getWebWorkerManager().terminate(DECODERS)
}

/** The image ids of slices, and how to forget them. Nothing is loaded yet. */
export function openSlices(slices: readonly Slice[], load: LoadFile) {
  begin()
  const numberFor = new Map<string, string>()
  for (const { file } of slices) {
    if (numberFor.has(file)) continue
    const number = String(numbers++)
    numberFor.set(file, number)
    sources.set(number, { load: () => load(file), facts: null })
  }
  const ids = slices.map(({ file, frame }) => `${SCHEME}:${numberFor.get(file)}&frame=${frame}`)
  return {
    ids,
    facts: (id: string): DicomFacts | null => sources.get(numberOf(id))?.facts ?? null,
    close(): void {
      for (const id of ids) if (cache.getImageLoadObject(id)) cache.removeImageLoadObject(id, { force: true })
      for (const number of numberFor.values()) sources.delete(number)
      end()
    },
  }
}

let engines = 0

/** A place to draw in. The picture is black beyond its edges in both themes, as those who read images expect. */
export function openViewport(element: HTMLDivElement): { readonly viewport: Types.IStackViewport; close(): void } {
  const engine = new RenderingEngine(`kept-${engines++}`)
  engine.enableElement({
    viewportId: 'image',
    type: Enums.ViewportType.STACK,
    element,
    defaultOptions: { background: [0, 0, 0] },
  })
  return { viewport: engine.getViewport('image') as Types.IStackViewport, close: () => engine.destroy() }
}
