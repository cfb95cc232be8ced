export type Span = { readonly from: number; readonly to: number }

type PeriodsProps = { readonly spans: readonly Span[]; readonly range: Span; readonly now: boolean }

const percent = (at: number, { from, to }: Span): number => Math.max(0, Math.min(100, ((at - from) / (to - from)) * 100))

/** Stretches of time on a common axis. What it shows is said in words beside it. */
export const PeriodsBar = ({ spans, range, now }: PeriodsProps) => (
  <div className="kw-periods" data-now={now} aria-hidden="true">
    {spans
      .filter(s => s.to >= range.from && s.from <= range.to)
      .map(s => (
        <span
          key={`${s.from} ${s.to}`}
          style={{ left: `${percent(s.from, range)}%`, width: `${percent(s.to, range) - percent(s.from, range)}%` }}
        />
      ))}
  </div>
)

/** The axis over such bars: names at the years that fit. */
export function PeriodsAxis({ range, name }: { readonly range: Span; readonly name: (year: number) => string }) {
  const first = new Date(range.from).getUTCFullYear() + 1
  const last = new Date(range.to).getUTCFullYear()
  const step = Math.max(1, Math.ceil((last - first + 1) / 6))
  const years = Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => last - i * step)
    // A name that would be cut off at the end says nothing.
    .filter(y => percent(Date.UTC(y, 0, 1), range) < 88)
  return (
    <div className="kw-periods-axis" aria-hidden="true">
      {years.map(y => (
        <span key={y} style={{ left: `${percent(Date.UTC(y, 0, 1), range)}%` }}>
          {name(y)}
        </span>
      ))}
    </div>
  )
}
