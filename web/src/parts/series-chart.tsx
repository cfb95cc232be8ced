import { SegmentedControl } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { amount } from '#words/amount.ts'
import { useWords } from '#words/context.tsx'
import type { ChartLine, Plot, PlotOptions } from './plot.ts'

const DAY = 86_400
const SPANS = [
  { name: 'year10', seconds: 3653 * DAY },
  { name: 'year3', seconds: 1096 * DAY },
  { name: 'year', seconds: 366 * DAY },
  { name: 'month', seconds: 92 * DAY },
] as const
type Span = (typeof SPANS)[number]['name'] | 'all'

type ChartProps = {
  readonly lines: readonly ChartLine[]
  readonly unit: string
  /** What the chart shows, in words: whoever cannot see it reads this and the table. */
  readonly summary: string
}

/** Values over time with their reference range. The drawing library comes when it is needed. */
export function SeriesChart({ lines, unit, summary }: ChartProps) {
  const words = useWords()
  const { t, locale } = words
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const [point, setPoint] = useState<Parameters<PlotOptions['onPoint']>[0]>(null)
  const [span, setSpan] = useState<Span>('all')
  const [missing, setMissing] = useState(false)
  useEffect(() => {
    let here = true
    import('./plot.ts').then(
      ({ openPlot }) => {
        if (here && box.current) plot.current = openPlot(box.current, { lines, locale, onPoint: setPoint })
      },
      () => here && setMissing(true),
    )
    return () => {
      here = false
      plot.current?.close()
      plot.current = null
    }
  }, [lines, locale])
  const first = Math.min(...lines.map(l => l.at[0] ?? Number.POSITIVE_INFINITY))
  const last = Math.max(...lines.map(l => l.at.at(-1) ?? Number.NEGATIVE_INFINITY))
  const spans = SPANS.filter(s => s.seconds < last - first)
  const choose = (name: Span): void => {
    setSpan(name)
    const found = SPANS.find(s => s.name === name)
    plot.current?.show(found ? { from: last - found.seconds, to: last } : null)
  }
  return (
    <figure className="kw-trend">
      {spans.length > 0 && (
        <SegmentedControl
          className="kw-no-print"
          aria-label={t('results.span')}
          value={span}
          onChange={value => choose(value as Span)}
          data={[{ value: 'all', label: t('results.spanAll') }, ...spans.map(s => ({ value: s.name, label: t(`results.span.${s.name}`) }))]}
        />
      )}
      <div className="kw-trend-reading kw-number" aria-hidden="true">
        {point ? (
          <>
            <span>{words.date(new Date(point.at * 1000).toISOString().slice(0, 10))}</span>
            <strong>
              {point.values.map(v => (v === null ? '–' : amount(words, v))).join(' / ')} {unit}
            </strong>
          </>
        ) : (
          <span className="kw-dim">{unit}</span>
        )}
      </div>
      {missing ? (
        <p className="kw-dim">{t('results.noChart')}</p>
      ) : (
        <div ref={box} className="kw-trend-box" role="img" aria-label={summary} />
      )}
      <ul className="kw-trend-legend" aria-hidden="true">
        {lines.length > 1 &&
          lines.map((l, i) => (
            <li key={l.label} data-line={i}>
              {l.label}
            </li>
          ))}
        {lines.some(l => l.low.some(Number.isFinite) || l.high.some(Number.isFinite)) && (
          <li data-line="band">{t('results.legendRange')}</li>
        )}
        {lines.some(l => l.outside.some(Boolean)) && <li data-line="outside">{t('results.legendOutside')}</li>}
      </ul>
    </figure>
  )
}
