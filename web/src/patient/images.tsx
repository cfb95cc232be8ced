import { Button } from '@mantine/core'
import { useEffect } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Empty, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { SeriesView, StudyView } from '#rpc/images.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { Thumb } from './thumb.tsx'

const modalityName = ({ maybe }: Words, code: string): string => maybe(`images.modality.${code}`, code)
const bodyName = (s: string): string => s.toLowerCase().replaceAll('_', ' ')

/** What a list says of a series. */
export function seriesText(words: Words, s: SeriesView): { readonly title: string; readonly sub: string } {
  const kind = modalityName(words, s.modality)
  return {
    title: s.title || kind || words.t('images.untitled'),
    sub: [s.title && kind, bodyName(s.bodyPart), words.n('images.pictures', s.pictures)].filter(Boolean).join(' · '),
  }
}

/** Every series of pictures, by the examination it was made in. */
export function Images() {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.images(null), [], ['records'])
  const unread = (value?.unread ?? 0) > 0
  useEffect(() => {
    const stop = new AbortController()
    // What another device filed is sorted as its headers come in; offline the count of the unread says so.
    if (unread) api.readHeaders(null, { signal: stop.signal }).catch(() => {})
    return () => stop.abort()
  }, [api, unread])
  return (
    <Page title={t('images.title')} tab={t('images.title')} back={{ href: '#/timeline', label: t('timeline.title') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {value.unread > 0 && <Waiting text={n('images.unread', value.unread)} />}
          {value.studies.map(study => (
            <Study key={study.id} study={study} />
          ))}
          {!value.studies.length && !value.unread && (
            <Empty
              icon="scan"
              title={t('images.empty')}
              actions={
                <Button component="a" href="#/add">
                  {t('home.emptyAdd')}
                </Button>
              }
            >
              {t('images.emptyLead')}
            </Empty>
          )}
        </>
      )}
    </Page>
  )
}

function Study({ study }: { readonly study: StudyView }) {
  const words = useWords()
  const kinds = [...new Set(study.series.map(s => modalityName(words, s.modality)))].filter(Boolean)
  return (
    <Panel
      icon="scan"
      title={study.title || words.list(kinds) || words.t('images.untitled')}
      side={<span className="kw-dim kw-number">{study.date && words.date(study.date)}</span>}
    >
      <ul className="kw-lines">
        {study.series.map(s => (
          <li key={s.id}>
            <RecordLine
              href={`#/images/${s.id}`}
              type="dicom"
              glyph={s.cover && <Thumb id={s.cover} type="dicom" media="application/dicom" large />}
              {...seriesText(words, s)}
            />
          </li>
        ))}
      </ul>
    </Panel>
  )
}
