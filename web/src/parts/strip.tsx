import { type KeyboardEvent, type PointerEvent, useState } from 'react'

export type StripBar = { readonly key: string; readonly count: number; readonly label: string; readonly short: string }

type StripProps = {
  readonly label: string
  readonly bars: readonly StripBar[]
  /** What a bar says of itself, as `2014: 34 records`. */
  readonly say: (bar: StripBar) => string
  readonly onOpen: (bar: StripBar) => void
  readonly onOut: () => void
}

/** Names under the bars, so that they do not run into each other. */
const NAMES = 6

/**
 * How much lies where in time. One slider rather than many buttons: a bar may be thinner than a finger. Arrows move, Enter looks
 * closer, Escape or minus steps back; a pointer does the same where it points.
 */
export function Strip({ label, bars, say, onOpen, onOut }: StripProps) {
  const [key, setKey] = useState<string | null>(null)
  const setAt = (index: number | null): void => setKey(index === null ? null : (bars[index]?.key ?? null))
  const found = bars.findIndex(b => b.key === key)
  const here =
    found >= 0
      ? found
      : Math.max(
          0,
          bars.findLastIndex(b => b.count),
        )
  const most = Math.max(1, ...bars.map(b => b.count))
  const step = Math.ceil(bars.length / NAMES)
  const under = (event: PointerEvent<HTMLDivElement>): number => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    return Math.max(0, Math.min(bars.length - 1, Math.floor(((event.clientX - left) / width) * bars.length)))
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }
    const move = event.key === 'Home' ? -bars.length : event.key === 'End' ? bars.length : moves[event.key]
    if (move !== undefined) setAt(Math.max(0, Math.min(bars.length - 1, here + move)))
    else if (event.key === 'Enter' || event.key === '+' || event.key === ' ') onOpen(bars[here]!)
    else if (event.key === 'Escape' || event.key === '-' || event.key === 'Backspace') onOut()
    else return
    event.preventDefault()
  }
  const bar = bars[here]!
  return (
    <div className="kw-strip">
      <p className="kw-strip-now" aria-hidden="true">
        {say(bar)}
      </p>
      <div
        className="kw-strip-bars"
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={bars.length}
        aria-valuenow={here + 1}
        aria-valuetext={say(bar)}
        onKeyDown={onKeyDown}
        onPointerMove={e => setAt(under(e))}
        onPointerLeave={() => setAt(null)}
        onClick={e => onOpen(bars[under(e as unknown as PointerEvent<HTMLDivElement>)]!)}
      >
        {bars.map((b, i) => (
          <span key={b.key} data-here={i === here ? 'true' : undefined}>
            <span style={{ height: b.count ? `${Math.max(4, (b.count / most) * 100)}%` : 0 }} />
          </span>
        ))}
      </div>
      <div className="kw-strip-names" aria-hidden="true">
        {bars
          .filter((_, i) => i % step === 0)
          .map(b => (
            <span key={b.key} style={{ flexGrow: Math.min(step, bars.length - bars.indexOf(b)) }}>
              {b.short}
            </span>
          ))}
      </div>
    </div>
  )
}
