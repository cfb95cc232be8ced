import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import type { SeriesWanted } from '#rpc/images.ts'
import type { RecordView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { seriesText } from './images.tsx'

/** From a record to the pictures that belong to it: the series an image is of, or those that an imaging study names. */
export function SeriesLinks({ view }: { readonly view: RecordView }) {
  const wanted = wantedBy(view)
  return wanted && <Links wanted={wanted} picture={view.content.kind === 'file'} />
}

function Links({ wanted, picture }: { readonly wanted: SeriesWanted; readonly picture: boolean }) {
  const words = useWords()
  const { api } = useVault()
  const { value } = useAsk(() => api.seriesFor(wanted), [JSON.stringify(wanted)], ['records'])
  // A file that is its whole series is looked at where it stands.
  const shown = (value ?? []).filter(s => !picture || s.pictures > 1)
  if (!shown.length) return null
  return (
    <Panel icon="scan" title={words.t(picture ? 'images.seeSeries' : 'images.seeStudy')}>
      <ul className="kw-lines">
        {shown.map(s => (
          <li key={s.id}>
            <RecordLine href={`#/images/${s.id}`} type="dicom" {...seriesText(words, s)} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

type Named = { readonly identifier?: readonly { readonly value?: unknown }[]; readonly series?: readonly { readonly uid?: unknown }[] }

function wantedBy({ row, content }: RecordView): SeriesWanted | null {
  if (row.type === 'dicom') return { record: row.id }
  if (content.kind !== 'fhir' || row.type !== 'ImagingStudy') return null
  const { identifier, series } = content.resource as Named
  const named = [
    ...(Array.isArray(identifier) ? identifier.map(i => i?.value) : []),
    ...(Array.isArray(series) ? series.map(s => s?.uid) : []),
  ]
  return { uids: named.flatMap(v => (typeof v === 'string' ? [v.replace(/^urn:oid:/, '')] : [])) }
}
