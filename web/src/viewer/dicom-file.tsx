import { useMemo } from 'react'
import { ImageViewer } from './image-viewer.tsx'
import { Refusal } from './refusal.tsx'
import { slicesOf } from './slices.ts'
import { NotDrawn, readImage } from './source.ts'

type DicomFileProps = { readonly title: string; readonly bytes: Uint8Array; readonly onSave?: () => void }

/** The picture, or all frames, of one DICOM file. */
export function DicomFile({ title, bytes, onSave }: DicomFileProps) {
  const read = useMemo(() => framesOf(bytes), [bytes])
  const slices = useMemo(() => slicesOf([{ file: '', frames: read.frames }]), [read.frames])
  if (read.why) return <Refusal why={read.why} {...(onSave ? { onSave } : {})} />
  return <ImageViewer title={title} slices={slices} load={async () => bytes} {...(onSave ? { onSave } : {})} />
}

function framesOf(bytes: Uint8Array) {
  try {
    return { frames: readImage(bytes).facts.frames ?? 1, why: null }
  } catch (error) {
    return { frames: 1, why: error instanceof NotDrawn ? error.why : ('unreadable' as const) }
  }
}
