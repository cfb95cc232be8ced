import { utf8 } from '#base/bytes'
import { begin, type Common, LOINC, named, pointers, type Resource, written } from './build.ts'

export type NoteInput = {
  readonly title: string
  readonly text: string
  readonly date: string
  /** LOINC code and name of the kind of note; a patient's own note when absent. */
  readonly type?: { readonly code: string; readonly display: string }
}

const PATIENT_NOTE = { code: '51855-5', display: 'Patient Note' }
const CLINICIAN_NOTE = { code: '34109-9', display: 'Note' }

function base64(bytes: Uint8Array): string {
  let binary = ''
  for (let from = 0; from < bytes.length; from += 0x8000) binary += String.fromCharCode(...bytes.subarray(from, from + 0x8000))
  return btoa(binary)
}

/** Free text with a title, as a document whose text stands inside. */
export function buildNote(common: Common, input: NoteInput): Resource {
  const bytes = utf8(input.text)
  const type = input.type ?? (common.origin.by === 'patient' ? PATIENT_NOTE : CLINICIAN_NOTE)
  return {
    ...begin('DocumentReference', common),
    status: 'current',
    docStatus: 'final',
    type: { coding: [{ system: LOINC, ...type }], text: type.display },
    subject: named(common.patient),
    date: common.recorded,
    author: [named(common.origin.name)],
    description: input.title,
    content: [{ attachment: { contentType: 'text/plain; charset=utf-8', data: base64(bytes), size: bytes.length, title: input.title } }],
    context: {
      period: { start: input.date },
      ...(common.attached?.length ? { related: pointers(common.attached) } : {}),
    },
  }
}

export const readNote = (r: unknown): NoteInput => ({
  title: written(r, 'description'),
  text: textIn(written(r, 'content', 'attachment', 'data')),
  date: written(r, 'context', 'period', 'start'),
})

function textIn(data: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(data), c => c.charCodeAt(0)))
  } catch {
    return ''
  }
}
