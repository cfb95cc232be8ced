import {
  AnnotationMode,
  GlobalWorkerOptions,
  getDocument,
  PasswordResponses,
  type PDFDocumentProxy,
  TextLayer,
} from 'pdfjs-dist/legacy/build/pdf.mjs'
import worker from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?url'

GlobalWorkerOptions.workerSrc = worker

/** Character maps, fonts and decoders that documents lean on; they come with the app (`web/pdf-assets.ts`). */
const OURS = new URL('/pdf/', location.origin).href
/** A page of more points is drawn smaller: a hostile one may claim to be a square mile. */
const MOST_POINTS = 16_000_000

export type PdfLink = { readonly url: string }
export type Pdf = {
  readonly pages: number
  /** Draws a page into a canvas and its words over it. `width` is in CSS pixels. */
  draw(
    page: number,
    into: { readonly canvas: HTMLCanvasElement; readonly words: HTMLElement; readonly width: number; readonly turn: number },
  ): Promise<Drawn>
  /** The words of a page, in reading order. */
  text(page: number): Promise<string>
  close(): void
}
export type Drawn = { readonly links: readonly PdfLink[]; readonly cancel: () => void }

type Opening = {
  readonly bytes: Uint8Array
  /** Asked for a locked file; null gives up. `again`: the last one was wrong. */
  readonly password: (again: boolean) => Promise<string | null>
}

export class PdfLocked extends Error {}

/** Opens a PDF without running anything that it carries: no scripts, no forms of its own making, no fetching. */
export async function openPdf({ bytes, password }: Opening): Promise<Pdf> {
  const task = getDocument({
    // The worker takes what it is given; the page keeps its own for saving and for a second try.
    data: bytes.slice(),
    cMapUrl: `${OURS}cmaps/`,
    standardFontDataUrl: `${OURS}standard_fonts/`,
    wasmUrl: `${OURS}wasm/`,
    iccUrl: `${OURS}iccs/`,
    useSystemFonts: false,
    enableXfa: false,
    disableAutoFetch: true,
    disableWorkerRendering: true,
    maxImageSize: 64_000_000,
    verbosity: 0,
  })
  let given = true
  task.onPassword = (update: (password: string | Error) => void, reason: number) => {
    void password(reason === PasswordResponses.INCORRECT_PASSWORD).then(answer => {
      given = answer !== null
      update(answer ?? new PdfLocked())
    })
  }
  try {
    return pdfOf(await task.promise, () => void task.destroy())
  } catch (error) {
    void task.destroy()
    throw given ? error : new PdfLocked()
  }
}

const pdfOf = (document: PDFDocumentProxy, close: () => void): Pdf => ({
  pages: document.numPages,
  close,
  async text(number) {
    const page = await document.getPage(number)
    const { items } = await page.getTextContent()
    return items.map(i => ('str' in i ? i.str + (i.hasEOL ? '\n' : '') : '')).join('')
  },
  async draw(number, { canvas, words, width, turn }) {
    const page = await document.getPage(number)
    const rotation = (page.rotate + turn) % 360
    const plain = page.getViewport({ scale: 1, rotation })
    const scale = width / plain.width
    const view = page.getViewport({ scale, rotation })
    const sharp = Math.min(devicePixelRatio || 1, Math.sqrt(MOST_POINTS / (view.width * view.height)))
    canvas.width = Math.max(1, Math.floor(view.width * sharp))
    canvas.height = Math.max(1, Math.floor(view.height * sharp))
    canvas.style.width = `${view.width}px`
    canvas.style.height = `${view.height}px`
    words.replaceChildren()
    words.parentElement?.style.setProperty('--total-scale-factor', String(scale))
    const drawing = page.render({
      canvas,
      viewport: view,
      annotationMode: AnnotationMode.ENABLE,
      transform: sharp === 1 ? undefined : [sharp, 0, 0, sharp, 0, 0],
    } as never)
    const layer = new TextLayer({ textContentSource: page.streamTextContent(), container: words, viewport: view })
    await Promise.all([drawing.promise, layer.render()])
    const notes = (await page.getAnnotations()) as readonly { readonly subtype?: string; readonly url?: string }[]
    return {
      links: [...new Set(notes.flatMap(a => (a.subtype === 'Link' && a.url ? [a.url] : [])))].map(url => ({ url })),
      cancel: () => page.cleanup(),
    }
  },
})
