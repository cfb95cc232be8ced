import { asPart10, MOST_PIXELS, type Undrawable, undrawable } from '@keepwell/sdk/health/dicom/drawable'
import { type DicomFacts, parseDicom } from '@keepwell/sdk/health/dicom/parse'
import { pictureSize } from '@keepwell/sdk/health/picture-size'

/** Why an image is not drawn. `decode`: nothing was wrong with the header, yet its pixels could not be unpacked. */
export type Refused = Undrawable | 'unreadable' | 'decode' | 'gone'

export class NotDrawn extends Error {
  readonly why: Refused
  readonly facts: DicomFacts | null
  constructor(why: Refused, facts: DicomFacts | null = null) {
    super(`not drawn: ${why}`)
    this.name = 'NotDrawn'
    this.why = why
    this.facts = facts
  }
}

/** A file that may be drawn, as viewers expect it. @throws NotDrawn. */
export function readImage(bytes: Uint8Array): { readonly file: Uint8Array; readonly facts: DicomFacts } {
  let facts: DicomFacts
  try {
    facts = parseDicom(bytes)
  } catch {
    throw new NotDrawn('unreadable')
  }
  const why = undrawable(facts)
  if (why) throw new NotDrawn(why, facts)
  return { file: asPart10(bytes, facts), facts }
}

/** A compressed frame states its own size, which need not be the header's: it is looked at before it is unpacked. */
export function checkFrame(frame: Uint8Array, native: boolean): void {
  const size = native ? null : pictureSize(frame)
  if (size && size.width * size.height > MOST_PIXELS) throw new NotDrawn('large')
}
