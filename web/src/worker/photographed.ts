import { PDFDocument } from '@cantoo/pdf-lib'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Photographed, TypedIn } from '#rpc/entry.ts'
import { takeIn } from './intake.ts'
import type { OpenVault } from './vault.ts'

/** What a photographed paper can be, by LOINC document code; the filing table places it by that. */
const KINDS: Readonly<Record<string, { readonly code: string; readonly display: string }>> = {
  discharge: { code: '18842-5', display: 'Discharge summary' },
  laboratory: { code: '11502-2', display: 'Laboratory report' },
  imaging: { code: '18748-4', display: 'Diagnostic imaging study' },
  prescription: { code: '57833-6', display: 'Prescription for medication' },
  referral: { code: '57133-1', display: 'Referral note' },
  vaccination: { code: '11369-6', display: 'History of Immunization' },
  directive: { code: '42348-3', display: 'Advance healthcare directives' },
}

/** Points of the longer edge of A4. */
const LONG = 842
/** Pixels of the longer edge: a page of small print stays legible. */
const PIXELS = 2400
const QUALITY = 0.85

/** Draws a photo anew, upright: nothing but the picture is left of it, no place, no time, no camera. */
async function drawn(photo: Blob): Promise<{ readonly bytes: Uint8Array; readonly width: number; readonly height: number }> {
  const bitmap = await createImageBitmap(photo, { imageOrientation: 'from-image' }).catch(cause => {
    throw new KeepwellError('UNREADABLE', 'This browser cannot read a picture of that kind.', { cause })
  })
  const scale = Math.min(1, PIXELS / Math.max(bitmap.width, bitmap.height))
  const [width, height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)]
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, width, height)
  bitmap.close()
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY })
  return { bytes: new Uint8Array(await blob.arrayBuffer()), width, height }
}

/** Photos of a paper as one document, a page each. */
async function bound(photos: readonly Blob[], title: string): Promise<Uint8Array> {
  const pdf = await PDFDocument.create()
  pdf.setTitle(title)
  for (const photo of photos) {
    const { bytes, width, height } = await drawn(photo)
    const image = await pdf.embedJpg(bytes)
    const scale = LONG / Math.max(width, height)
    const page = pdf.addPage([width * scale, height * scale])
    page.drawImage(image, { x: 0, y: 0, width: width * scale, height: height * scale })
  }
  return pdf.save()
}

/** Files photos of a paper as one document with the title, the day and the kind that the person says. */
export async function photographed(vault: OpenVault, { pages, title, date, kind }: Photographed): Promise<TypedIn> {
  const bytes = await bound(pages, title)
  const code = KINDS[kind]
  const told = { title, date, ...(code ? { codes: [{ system: 'http://loinc.org', ...code }] } : {}) }
  const name = `${title.replace(/[/\\]/g, ' ')}.pdf`
  const item = {
    name,
    size: bytes.length,
    told,
    async *chunks() {
      yield bytes
    },
  }
  const items = (async function* () {
    yield item
  })()
  const { files } = await takeIn(vault, { items, signal: new AbortController().signal, progress: () => {} })
  const [id] = files[0]?.ids ?? []
  ensure(id, 'BAD_INPUT', 'The document could not be filed.')
  return { id }
}
