import { NativeSelect } from '@mantine/core'
import { useMemo } from 'react'
import { OutsideMark } from '#parts/outside.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { SeriesChart } from '#parts/series-chart.tsx'
import type { ApartRow, SeriesLine, SeriesRow, SeriesView } from '#rpc/results.ts'
import { amounts } from '#words/amount.ts'
import { useWords } from '#words/context.tsx'
import { unitLabel } from '#words/fhir.ts'
import type { Words } from '#words/words.ts'
import { resultName } from './result-list.tsx'
import { SeriesTable } from './series-table.tsx'

type BodyProps = {
  readonly series: SeriesView
  readonly rows: readonly SeriesRow[]
  readonly onMore?: () => void
  readonly onUnit: (unit: string) => void
  /** Where a record of the series is shown. */
  readonly href: (record: string) => string
}

/** One series: its chart, what the chart says in words, its table, and what stands apart. */
export function SeriesBody({ series, rows, onMore, onUnit, href }: BodyProps) {
  const words = useWords()
  const { t, n } = words
  const lines = useMemo(() => series.lines.map(l => ({ ...l, label: lineName(words, l) })), [series, words])
  const said = summary(words, series)
  const others = series.names.filter(name => name !== resultName(words, series))
  return (
    <>
      {lines.length > 0 && (
        <Panel>
          <div className="kw-stack">
            {series.units.length > 1 && (
              <NativeSelect
                className="kw-no-print kw-unit"
                label={t('results.unit')}
                value={series.unit}
                onChange={e => onUnit(e.currentTarget.value)}
                data={series.units.map(u => ({ value: u, label: unitLabel(u) }))}
              />
            )}
            <SeriesChart lines={lines} unit={unitLabel(series.unit)} summary={said} />
            <p>{said}</p>
            {series.converted.map(c => (
              <p key={c.unit} className="kw-dim kw-small">
                {n('results.converted', c.count, { unit: unitLabel(c.unit) })}
              </p>
            ))}
            {others.length > 0 && <p className="kw-dim kw-small">{t('results.names', { names: words.list(others.map(o => `“${o}”`)) })}</p>}
            <p className="kw-dim kw-small kw-no-print kw-only-desk">{t('results.chartHelp')}</p>
          </div>
        </Panel>
      )}
      {series.apart.length > 0 && <Apart rows={series.apart} href={href} />}
      {series.rows > 0 && (
        <Panel title={t('results.table')}>
          <SeriesTable series={series} rows={rows} href={href} {...(onMore ? { onMore } : {})} />
        </Panel>
      )}
    </>
  )
}

const lineName = (words: Words, { role }: SeriesLine): string => words.t(role === 'value' ? 'results.value' : `results.line.${role}`)

function Apart({ rows, href }: { readonly rows: readonly ApartRow[]; readonly href: (record: string) => string }) {
  const words = useWords()
  const { t } = words
  return (
    <Panel title={t('results.apart')} icon="info">
      <div className="kw-stack">
        <Banner>{t('results.apartLead')}</Banner>
        <ul className="kw-lines">
          {rows.slice(0, 200).map((row, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: one record may hold several of them
            <li key={`${row.record} ${i}`} className="kw-row kw-row-between">
              <span>
                <a href={href(row.record)}>{row.date ? words.date(row.date) : t('timeline.undated')}</a>
                <span className="kw-dim kw-small"> · {t(`results.why.${row.why}`)}</span>
              </span>
              <span className="kw-row">
                <strong>{unitLabel(row.text)}</strong>
                {row.outside && <OutsideMark outside={row.outside} />}
              </span>
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  )
}

/** What a person sees in the chart, in sentences. */
export function summary(words: Words, { lines, unit }: SeriesView): string {
  const { t, n } = words
  const [line] = lines
  if (!line) return ''
  const day = (seconds: number): string => words.date(new Date(seconds * 1000).toISOString().slice(0, 10))
  const count = Math.max(...lines.map(l => l.at.length))
  const shown = (values: readonly number[]): string => amounts(words, values.map(rounded), unit)
  const latest = shown(lines.map(l => l.value.at(-1)!))
  const to = day(Math.max(...lines.map(l => l.at.at(-1)!)))
  if (count === 1) return t('results.summaryOne', { to, latest })
  const from = day(Math.min(...lines.map(l => l.at[0]!)))
  const outside = lines.reduce((sum, l) => sum + l.outside.reduce((a, o) => a + (o ? 1 : 0), 0), 0)
  const ranged = lines.some(l => l.low.some(Number.isFinite) || l.high.some(Number.isFinite))
  const about = t('results.summary', {
    count: n('results.count', count),
    from,
    to,
    latest,
    low: shown(lines.map(l => l.value.reduce((a, b) => Math.min(a, b)))),
    high: shown(lines.map(l => l.value.reduce((a, b) => Math.max(a, b)))),
  })
  return `${about} ${outside ? n('results.outsideCount', outside) : t(ranged ? 'results.insideAll' : 'results.noRanges')}`
}

const rounded = (value: number): number => Number(value.toPrecision(4))
