import { useEffect } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner, Empty, Page } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { VirtualList } from '#parts/virtual-list.tsx'
import { kindName, partName, purposeName, titleText } from '#record/labels.ts'
import { RecordView } from '#record/record-view.tsx'
import { Sub } from '#record/sub.tsx'
import type { SharedView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'

const HEIGHT = 72
const nothing = (): void => {}

/** Someone else's record, while it is open. Leaving the screen closes the session and forgets what was read. */
export function Shared({ id, record }: { readonly id: string; readonly record: string }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.read(id), [id])
  useEffect(() => () => void api.leave(null).catch(() => {}), [api])
  if (value && record) return <SharedRecord share={id} id={record} name={value.share.name} />
  const share = value?.share
  const terms = share && {
    name: share.name,
    purpose: words.list(share.purposes.map(p => purposeName(words, p))),
    date: words.day(share.until),
  }
  return (
    <Page
      title={share ? t('shared.title', { name: share.name }) : t('share.received')}
      tab={t('share.received')}
      back={{ href: '#/share', label: t('shared.leave') }}
      {...(terms ? { lead: t('shared.lead', terms) } : {})}
    >
      {error ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {value.problems > 0 && <Banner tone="warn">{n('shared.problems', value.problems)}</Banner>}
          {value.records.length ? <SharedRows id={id} value={value} /> : <Empty icon="folder" title={t('shared.empty')} />}
        </>
      )}
    </Page>
  )
}

function SharedRows({ id, value }: { readonly id: string; readonly value: SharedView }) {
  const words = useWords()
  return (
    <div className="kw-panel kw-panel-flush">
      <VirtualList
        label={words.t('timeline.list')}
        count={value.records.length}
        height={HEIGHT}
        onRange={nothing}
        render={i => {
          const row = value.records[i]!
          const sub = <Sub date={row.date} text={`${kindName(words, row.type)} · ${partName(words, row.compartment)}`} />
          return {
            content: (
              <RecordLine
                href={`#/shared/${id}/${row.id}`}
                type={row.type}
                title={titleText(row.title)}
                sub={sub}
                side={row.date && words.date(row.date)}
              />
            ),
          }
        }}
      />
    </div>
  )
}

function SharedRecord({ share, id, name }: { readonly share: string; readonly id: string; readonly name: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.readRecord(id), [id])
  return (
    <Page
      title={value ? titleText(value.row.title) : t('app.loading')}
      tab={t('share.received')}
      back={{ href: `#/shared/${share}`, label: t('shared.title', { name }) }}
      {...(value ? { lead: `${kindName(words, value.row.type)} · ${words.date(value.row.date)}` } : {})}
    >
      {error ? <Failed error={error} onRetry={again} /> : value ? <RecordView view={value} shared /> : <Waiting />}
    </Page>
  )
}
