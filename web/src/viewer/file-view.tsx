import { lazy, Suspense, useEffect, useState } from 'react'
import { Failed, Waiting } from '#parts/state.tsx'
import { formOf, LIMITS } from './forms.ts'
import { Refusal } from './refusal.tsx'

const DicomFile = lazy(async () => ({ default: (await import('./dicom-file.tsx')).DicomFile }))
const PdfDocument = lazy(async () => ({ default: (await import('./pdf-document.tsx')).PdfDocument }))
const Photo = lazy(async () => ({ default: (await import('./photo.tsx')).Photo }))
const CdaDocument = lazy(async () => ({ default: (await import('./cda-document.tsx')).CdaDocument }))
const Hl7Message = lazy(async () => ({ default: (await import('./plain-text.tsx')).Hl7Message }))
const ValuesTable = lazy(async () => ({ default: (await import('./plain-text.tsx')).ValuesTable }))
const PlainText = lazy(async () => ({ default: (await import('./plain-text.tsx')).PlainText }))

export type FileViewProps = {
  readonly title: string
  readonly mediaType: string
  readonly size: number
  /** The file, when it is here already. */
  readonly bytes?: Uint8Array | undefined
  /** Gives the file, proven whole; asked once, when it is shown. */
  readonly load: () => Promise<Blob>
  readonly onSave?: () => void
}

/** A file of any kind, in the viewer made for it; its bytes are never executed, and never navigated to. */
export function FileView(props: FileViewProps) {
  const { mediaType, size, onSave } = props
  const form = formOf(mediaType)
  const save = onSave ? { onSave } : {}
  if (form === 'other') return <Refusal why="kind" {...save} />
  if (size > LIMITS[form]) return <Refusal why="heavy" size={size} {...save} />
  return <Loaded {...props} />
}

function Loaded({ title, mediaType, bytes, load, onSave }: FileViewProps) {
  const [state, setState] = useState<{ bytes?: Uint8Array | undefined; error?: unknown }>({ bytes })
  const [turn, setTurn] = useState(0)
  const here = bytes !== undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: the file is asked for once, and again when asked to
  useEffect(() => {
    if (here) return
    let gone = false
    setState({})
    load()
      .then(async blob => new Uint8Array(await blob.arrayBuffer()))
      .then(
        loaded => gone || setState({ bytes: loaded }),
        error => gone || setState({ error }),
      )
    return () => {
      gone = true
    }
  }, [here, turn])
  const save = onSave ? { onSave } : {}
  if (state.error) return <Failed error={state.error} onRetry={() => setTurn(n => n + 1)} />
  if (!state.bytes) return <Waiting />
  const shown = { title, bytes: state.bytes, mediaType, ...save }
  return (
    <Suspense fallback={<Waiting />}>
      <Shown {...shown} />
    </Suspense>
  )
}

export type ShownProps = {
  readonly title: string
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly onSave?: () => void
}

function Shown(props: ShownProps) {
  const form = formOf(props.mediaType)
  const save = props.onSave ? { onSave: props.onSave } : {}
  if (form === 'dicom') return <DicomFile {...props} />
  if (form === 'pdf') return <PdfDocument {...props} />
  if (form === 'photo') return <Photo {...props} />
  if (form === 'cda')
    return (
      <CdaDocument {...props} inner={file => <FileView {...props} {...file} size={file.bytes.length} load={async () => new Blob()} />} />
    )
  if (form === 'hl7') return <Hl7Message {...props} />
  if (form === 'table') return <ValuesTable {...props} />
  return form === 'text' ? <PlainText {...props} /> : <Refusal why="kind" {...save} />
}
