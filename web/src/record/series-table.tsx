import { Button } from '@mantine/core'
import { OutsideMark } from '#parts/outside.tsx'
import type { SeriesRow, SeriesView } from '#rpc/results.ts'
import { amount, amounts } from '#words/amount.ts'
import { useWords } from '#words/context.tsx'
import { unitLabel } from '#words/fhir.ts'
import type { Words } from '#words/words.ts'

type TableProps = {
  readonly series: SeriesView
  readonly rows: readonly SeriesRow[]
  readonly onMore?: () => void
  readonly href: (record: string) => string
}

/** The values of a series, newest first: the chart for whoever reads rather than looks. */
export function SeriesTable({ series, rows, onMore, href }: TableProps) {
  const words = useWords()
  const { t } = words
  return (
    <div className="kw-stack">
      <table className="kw-values">
        <thead>
          <tr>
            <th scope="col">{t('results.date')}</th>
            <th scope="col">{t('results.value')}</th>
            <th scope="col">{t('results.range')}</th>
            <th scope="col">{t('results.by')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: one record may hold several of them
            <tr key={`${row.record} ${i}`}>
              <td>
                <a href={href(row.record)}>{words.date(row.date)}</a>
              </td>
              <td>
                <span className="kw-number kw-values-value">{amounts(words, row.values, series.unit, row.comparator)}</span>
                {row.outside && <OutsideMark outside={row.outside} />}
                {row.written && (
                  <span className="kw-dim kw-small kw-own-line">{t('results.written', { text: unitLabel(row.written) })}</span>
                )}
              </td>
              <td className="kw-number">{rangeText(words, row)}</td>
              <td>
                {signedBy(words, row)}
                {row.performer && <span className="kw-dim kw-small kw-own-line">{t('results.measuredBy', { name: row.performer })}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length < series.rows && (
        <div className="kw-row">
          <Button variant="default" className="kw-no-print" onClick={onMore}>
            {t('results.more')}
          </Button>
          <span className="kw-dim kw-small">{t('results.shown', { shown: rows.length, count: series.rows })}</span>
        </div>
      )}
    </div>
  )
}

function rangeText(words: Words, { low, high }: SeriesRow): string {
  if (low !== null && high !== null) return `${amount(words, low)}–${amount(words, high)}`
  if (high !== null) return words.t('results.upTo', { high: amount(words, high) })
  return low === null ? '' : words.t('results.fromOn', { low: amount(words, low) })
}

const signedBy = (words: Words, { author, trust }: SeriesRow): string =>
  [author ?? words.t('results.you'), trust === 'unverified' && words.t('results.unsigned')].filter(Boolean).join(' · ')
