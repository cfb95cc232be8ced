import { useMemo } from 'react'
import { Banner } from '#parts/page.tsx'
import { FileView } from '#viewer/file-view.tsx'
import { useWords } from '#words/context.tsx'
import { saveBlob } from './save.ts'

export type Attachment = { readonly title: string; readonly mediaType: string; readonly bytes: Uint8Array | null }

const isObject = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === 'object' && x !== null
const MOST = 20
const DEEPEST = 12

/** Files inside a FHIR resource (Attachment.data, Binary.data), wherever they stand; `bytes` is null when they cannot be decoded. */
export function attachmentsIn(resource: unknown, depth = 0): Attachment[] {
  if (depth > DEEPEST || !isObject(resource)) return []
  const { data, contentType, title } = resource
  if (typeof data === 'string' && typeof contentType === 'string')
    return [{ title: typeof title === 'string' ? title : '', mediaType: contentType, bytes: decoded(data) }]
  return Object.values(resource)
    .flatMap(v => attachmentsIn(v, depth + 1))
    .slice(0, MOST)
}

function decoded(data: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(data.replace(/\s+/g, '')), c => c.charCodeAt(0))
  } catch {
    return null
  }
}

/** The files that a resource carries, each in its viewer. */
export function Attachments({ resource, title }: { readonly resource: unknown; readonly title: string }) {
  const { t } = useWords()
  const found = useMemo(() => attachmentsIn(resource), [resource])
  return found.map((a, i) => {
    const name = a.title || title
    const { bytes } = a
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: a record never changes
      <section className="kw-stack kw-stack-tight" key={i}>
        <h2>{a.title || t('images.attached')}</h2>
        {bytes ? (
          <FileView
            title={name}
            mediaType={a.mediaType}
            size={bytes.length}
            bytes={bytes}
            load={async () => new Blob([bytes as BlobPart])}
            onSave={() => saveBlob(new Blob([bytes as BlobPart]), name)}
          />
        ) : (
          <Banner tone="warn">{t('images.whyUnreadable')}</Banner>
        )}
      </section>
    )
  })
}
