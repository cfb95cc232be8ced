import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Page } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { resultName } from '#record/result-list.tsx'
import { SeriesBody } from '#record/series-body.tsx'
import type { SeriesRow, SeriesView } from '#rpc/results.ts'
import { useWords } from '#words/context.tsx'
import { PrintButton } from './print-button.tsx'

/** Rows fetched at once. */
const PAGE = 100

type Answer = { readonly series: SeriesView; readonly rows: readonly SeriesRow[] }

/** One thing measured, over the years and across everyone who measured it. */
export function ResultSeries({ id }: { readonly id: string }) {
  const words = useWords()
  const { t } = words
  const { api, me } = useVault()
  const [unit, setUnit] = useState<string | null>(null)
  const [shown, setShown] = useState(PAGE)
  const { value, error, again } = useAsk(
    async (): Promise<Answer> => {
      const query = unit === null ? { key: id } : { key: id, unit }
      return { series: await api.resultSeries(query), rows: await api.resultRows({ ...query, from: 0, to: shown }) }
    },
    [id, unit, shown],
    ['records'],
  )
  return (
    <Page
      title={value ? resultName(words, value.series) : t('app.loading')}
      tab={t('results.title')}
      back={{ href: '#/results', label: t('results.all') }}
      actions={<PrintButton />}
    >
      <p className="kw-print-only">{me.name}</p>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <SeriesBody
          series={value.series}
          rows={value.rows}
          onMore={() => setShown(s => s + 5 * PAGE)}
          onUnit={setUnit}
          href={record => `#/record/${record}`}
        />
      )}
    </Page>
  )
}
