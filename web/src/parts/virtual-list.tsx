import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'

type Range = { readonly from: number; readonly to: number }

/** A line. By its key it stays itself, with the focus that it has, when others come before it. */
export type Drawn = { readonly content: ReactNode; readonly className?: string; readonly key?: string }

type VirtualListProps = {
  readonly label: string
  readonly count: number
  /** Of a line, in pixels. */
  readonly height: number
  readonly render: (index: number) => Drawn
  /** Told what is in view, so that it can be fetched. */
  readonly onRange: (from: number, to: number) => void
}

/** Drawn beyond the window's edges, so that a flick finds lines there. */
const MARGIN = 12

/** Lines go and come by several, so that most frames of a scroll draw nothing. */
const STEP = 6
const stepped = (line: number): number => Math.floor(line / STEP) * STEP

/** A list of any length in the page's own scroll: only what is near the window is drawn. */
export function VirtualList({ label, count, height, render, onRange }: VirtualListProps) {
  const box = useRef<HTMLDivElement>(null)
  const [range, setRange] = useState<Range>({ from: 0, to: 30 })
  useLayoutEffect(() => {
    let frame = 0
    const look = (): void => {
      frame = 0
      const top = box.current?.getBoundingClientRect().top ?? 0
      const from = Math.max(0, stepped(-top / height) - MARGIN)
      const to = Math.min(count, stepped((window.innerHeight - top) / height) + STEP + MARGIN)
      setRange(r => (r.from === from && r.to === to ? r : { from, to: Math.max(from, to) }))
    }
    const soon = (): void => {
      frame ||= requestAnimationFrame(look)
    }
    look()
    window.addEventListener('scroll', soon, { passive: true })
    window.addEventListener('resize', soon)
    return () => {
      cancelAnimationFrame(frame)
      window.removeEventListener('scroll', soon)
      window.removeEventListener('resize', soon)
    }
  }, [count, height])
  useEffect(() => onRange(range.from, range.to), [range, onRange])
  const shown = Array.from({ length: Math.max(0, Math.min(count, range.to) - range.from) }, (_, i) => range.from + i)
  return (
    // biome-ignore lint/a11y/useSemanticElements: a list of which only a part is drawn needs its sizes said
    <div ref={box} className="kw-virtual" role="list" aria-label={label} style={{ height: count * height }}>
      {shown.map(index => {
        const { content, className, key = String(index) } = render(index)
        return (
          // biome-ignore lint/a11y/useSemanticElements: see above
          <div
            key={key}
            role="listitem"
            aria-setsize={count}
            aria-posinset={index + 1}
            className={className}
            style={{ transform: `translateY(${index * height}px)`, height }}
          >
            {content}
          </div>
        )
      })}
    </div>
  )
}
