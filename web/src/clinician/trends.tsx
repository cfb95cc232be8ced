import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Empty } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { ResultList, resultName } from '#record/result-list.tsx'
import { SeriesBody } from '#record/series-body.tsx'
import type { SeriesRow, SeriesView } from '#rpc/results.ts'
import { useWords } from '#words/context.tsx'
import type { ViewProps } from './overview.tsx'

/** Everything measured in what is open, across whoever measured it. */
export function Trends({ version, hrefOf }: ViewProps) {
  const { t, n } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.sessionResults(null), [version])
  if (error) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  return (
    <div className="kw-stack kw-stack-tight">
      {value.unread > 0 && <p className="kw-dim kw-small">{n('trends.unread', value.unread)}</p>}
      {value.lines.length ? <ResultList lines={value.lines} href={hrefOf} /> : <Empty icon="flask" title={t('trends.none')} />}
    </div>
  )
}

/** Rows fetched at once. */
const PAGE = 100

type Answer = { readonly series: SeriesView; readonly rows: readonly SeriesRow[] }
type PaneProps = { readonly id: string; readonly back: string; readonly version: number; readonly recordHref: (id: string) => string }

/** One thing measured, beside the list of all. */
export function SeriesPane({ id, back, version, recordHref }: PaneProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [unit, setUnit] = useState<string | null>(null)
  const [shown, setShown] = useState(PAGE)
  const { value, error, again } = useAsk(async (): Promise<Answer> => {
    const query = unit === null ? { key: id } : { key: id, unit }
    return { series: await api.sessionSeries(query), rows: await api.sessionSeriesRows({ ...query, from: 0, to: shown }) }
  }, [id, unit, shown, version])
  return (
    <section className="kw-pane" aria-label={value ? resultName(words, value.series) : t('app.loading')}>
      <a className="kw-back" href={back}>
        <Icon name="back" size={18} />
        {t('trends.close')}
      </a>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : value ? (
        <>
          <h2>{resultName(words, value.series)}</h2>
          <SeriesBody
            series={value.series}
            rows={value.rows}
            onMore={() => setShown(s => s + 5 * PAGE)}
            onUnit={setUnit}
            href={recordHref}
          />
        </>
      ) : (
        <Waiting />
      )}
    </section>
  )
}
