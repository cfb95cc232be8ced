// A worker's address is taken from this policy, here as on the page.
import '#rpc/trusted.ts'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { getDocument, PDFWorker } from 'pdfjs-dist/legacy/build/pdf.mjs'
import parser from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?url'
import { pause } from './platform.ts'

const MAX_PAGES = 80
/** Milliseconds for one document, on a slow phone with other work to do; one that takes longer was made to. */
const PATIENCE = 30_000

/**
 * The words of a PDF, in reading order and a line each, up to a number of characters. It is taken apart by a worker of its own, which is ended
 * with it: nothing that a document carries is run, and one that never comes to an end is left. Throws for one that is damaged or locked.
 */
export async function pdfWords(bytes: Uint8Array, most: number): Promise<string> {
  const port = new Worker(parser, { type: 'module' })
  const worker = new PDFWorker({ port } as never)
  const done = new AbortController()
  const late = pause(PATIENCE, done.signal).then(() => {
    if (!done.signal.aborted) throw new KeepwellError('TOO_LARGE', 'The document takes too long to be read.')
    return ''
  })
  const broken = new Promise<never>((_, reject) => port.addEventListener('error', () => reject(new Error('The parser failed.'))))
  try {
    return await Promise.race([wordsOf(worker, bytes, most), late, broken])
  } finally {
    done.abort()
    worker.destroy()
    port.terminate()
  }
}

async function wordsOf(worker: PDFWorker, bytes: Uint8Array, most: number): Promise<string> {
  const task = getDocument({
    worker,
    data: bytes.slice(),
    cMapUrl: new URL('/pdf/cmaps/', location.origin).href,
    useWorkerFetch: true,
    useWasm: false,
    useSystemFonts: false,
    disableFontFace: true,
    disableWorkerRendering: true,
    enableXfa: false,
    isOffscreenCanvasSupported: false,
    isImageDecoderSupported: false,
    maxImageSize: 0,
    verbosity: 0,
  })
  // Whoever has the password opens it to read; nobody is asked for it by a search.
  task.onPassword = () => void task.destroy()
  const document = await task.promise
  let text = ''
  for (let number = 1; number <= Math.min(document.numPages, MAX_PAGES) && text.length < most; number++) {
    const page = await document.getPage(number)
    const { items } = await page.getTextContent()
    for (const item of items) if ('str' in item) text += item.str + (item.hasEOL ? '\n' : '')
    text += '\n'
    page.cleanup()
  }
  return text
}
