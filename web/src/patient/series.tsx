import { lazy, Suspense, useMemo } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { saveBlob } from '#record/save.ts'
import type { OpenSeries } from '#rpc/images.ts'
import { batched } from '#viewer/batched.ts'
import { slicesOf } from '#viewer/slices.ts'
import { useWords } from '#words/context.tsx'
import { seriesText } from './images.tsx'

const ImageViewer = lazy(async () => ({ default: (await import('#viewer/image-viewer.tsx')).ImageViewer }))

/** One series, in order. Its files are fetched as they are looked at, with a few ahead. */
export function Series({ id }: { readonly id: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.series(id), [id])
  const told = value && seriesText(words, value)
  const lead = value && [value.study, value.date && words.date(value.date), told?.sub].filter(Boolean).join(' · ')
  return (
    <Page
      title={told?.title ?? t('images.title')}
      tab={t('images.title')}
      back={{ href: '#/images', label: t('images.title') }}
      {...(lead ? { lead } : {})}
    >
      {error ? (
        <Failed error={error} onRetry={again} />
      ) : value === undefined ? (
        <Waiting />
      ) : value === null ? (
        <Banner>{t('images.noSeries')}</Banner>
      ) : (
        <Opened series={value} title={told!.title} />
      )}
    </Page>
  )
}

function Opened({ series, title }: { readonly series: OpenSeries; readonly title: string }) {
  const { api } = useVault()
  const slices = useMemo(() => slicesOf(series.files.map(f => ({ file: f.id, frames: f.frames }))), [series])
  const load = useMemo(
    () =>
      batched(async (ids: readonly string[]) => {
        const blobs = await api.files(ids)
        return Promise.all(blobs.map(async blob => new Uint8Array(await blob.arrayBuffer())))
      }),
    [api],
  )
  return (
    <Panel>
      <Suspense fallback={<Waiting />}>
        <ImageViewer
          title={title}
          slices={slices}
          load={load}
          onSave={file => void api.file(file).then(blob => saveBlob(blob, `${file.slice(0, 8)}.dcm`))}
        />
      </Suspense>
    </Panel>
  )
}
