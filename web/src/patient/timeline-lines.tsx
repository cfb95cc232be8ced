import { memo, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { FoldLine } from '#parts/fold-line.tsx'
import { PickLine, RecordLine } from '#parts/record-line.tsx'
import { type Drawn, VirtualList } from '#parts/virtual-list.tsx'
import { kindName, partName, rowSub, titleText } from '#record/labels.ts'
import { Excerpt, Sub } from '#record/sub.tsx'
import type { Life, Line, Lines } from '#rpc/timeline.ts'
import type { Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { Thumb } from './thumb.tsx'
import { stretchName } from './timeline-zoom.tsx'

/** What is chosen while several are, and how one more is; null when lines lead to their records. */
export type Picking = { readonly chosen: ReadonlySet<string>; readonly onPick: (id: string, picked: boolean) => void } | null

/** Lines fetched at once. */
const BLOCK = 100
const HEIGHT = 72
const PERIOD_HEIGHT = 126

type Layout = {
  readonly token: number
  readonly open: readonly string[]
  readonly items: number
  readonly blocks: Map<number, readonly Line[]>
  readonly asked: Set<number>
}

const layoutOf = (token: number, open: readonly string[], { items, lines }: NonNullable<Lines>, first = 0): Layout => {
  const blocks = new Map<number, readonly Line[]>()
  for (let at = 0; at < lines.length; at += BLOCK) blocks.set(first + at / BLOCK, lines.slice(at, at + BLOCK))
  return { token, open, items, blocks, asked: new Set(blocks.keys()) }
}

/** The lines of an answer by windows. When something is opened, what is shown stays until the new lines are here. */
function useLines(life: Life, open: readonly string[]) {
  const { api } = useVault()
  const [layout, setLayout] = useState<Layout | null>(null)
  const [, draw] = useState(0)
  const range = useRef({ from: 0, to: BLOCK })
  useEffect(() => {
    let here = true
    const first = Math.floor(range.current.from / BLOCK)
    const to = Math.ceil(range.current.to / BLOCK) * BLOCK
    api.lines({ token: life.token, open, from: first * BLOCK, to }).then(
      lines => here && lines && setLayout(layoutOf(life.token, open, lines, first)),
      () => {},
    )
    return () => {
      here = false
    }
  }, [api, life.token, open])
  const onRange = useCallback(
    (from: number, to: number) => {
      range.current = { from, to }
      if (!layout) return
      for (let b = Math.floor(from / BLOCK); b * BLOCK < Math.min(to, layout.items); b++) {
        if (layout.asked.has(b)) continue
        layout.asked.add(b)
        api.lines({ token: layout.token, open: layout.open, from: b * BLOCK, to: (b + 1) * BLOCK }).then(
          found => {
            if (found) layout.blocks.set(b, found.lines)
            draw(x => x + 1)
          },
          () => layout.asked.delete(b),
        )
      }
    },
    [api, layout],
  )
  return { layout, onRange }
}

type TimelineLinesProps = {
  readonly life: Life
  readonly open: readonly string[]
  readonly far: boolean
  readonly picking: Picking
  /** Where to scroll once the lines are here, and the record to give the focus to. */
  readonly start: { readonly scroll: number; readonly last: string } | null
  readonly onToggle: (key: string) => void
  readonly onCloser: (stretch: string) => void
}

/** Periods, visits and records, drawn by windows. */
export function TimelineLines({ life, open, far, picking, start, onToggle, onCloser }: TimelineLinesProps) {
  const words = useWords()
  const { layout, onRange } = useLines(life, open)
  const box = useReturn(layout !== null, start)
  const shown = useRef(new Map<number, { line: Line | undefined; picked: boolean | null; drawn: Drawn }>())
  const render = useCallback(
    (index: number) => {
      const line = layout?.blocks.get(Math.floor(index / BLOCK))?.[index % BLOCK]
      // A line that did not change is the same element, so that scrolling draws new ones only.
      const before = shown.current.get(index)
      const picked = picking && line?.kind === 'row' ? picking.chosen.has(line.row.id) : null
      if (before && before.line === line && before.picked === picked) return before.drawn
      const drawn = drawLine(line, { onToggle, onCloser, picked, onPick: picking?.onPick })
      shown.current.set(index, { line, picked, drawn })
      return drawn
    },
    [layout, picking, onToggle, onCloser],
  )
  if (!layout) return null
  return (
    <div className="kw-panel kw-panel-flush" ref={box}>
      <VirtualList
        label={words.t('timeline.list')}
        count={layout.items}
        height={far ? PERIOD_HEIGHT : HEIGHT}
        render={render}
        onRange={onRange}
      />
    </div>
  )
}

/** Scrolls to where someone was, and gives the focus back to the record they opened there. */
function useReturn(ready: boolean, start: TimelineLinesProps['start']) {
  const box = useRef<HTMLDivElement>(null)
  const done = useRef(start === null)
  useLayoutEffect(() => {
    if (!ready || done.current || !start) return
    done.current = true
    window.scrollTo(0, start.scroll)
    if (!start.last) return
    const seek = (left: number): void => {
      const link = box.current?.querySelector<HTMLElement>(`a[href="#/record/${start.last}"]`)
      if (link) link.focus({ preventScroll: true })
      else if (left) requestAnimationFrame(() => seek(left - 1))
    }
    seek(60)
  }, [ready, start])
  return box
}

type Drawing = Pick<TimelineLinesProps, 'onToggle' | 'onCloser'> & {
  readonly picked: boolean | null
  readonly onPick: NonNullable<Picking>['onPick'] | undefined
}

function drawLine(line: Line | undefined, { onToggle, onCloser, picked, onPick }: Drawing): Drawn {
  if (!line) return { content: null }
  if (line.kind === 'row')
    return {
      key: line.row.id,
      className: line.inside ? 'kw-inside' : '',
      content: <RowLine row={line.row} picked={picked} onPick={onPick} />,
    }
  const key = `${line.kind} ${line.key}`
  if (line.kind === 'head') return { key, className: 'kw-year', content: <Head line={line} /> }
  if (line.kind === 'period') return { key, content: <Period line={line} onCloser={onCloser} /> }
  return { key, className: line.open ? 'kw-occasion-open' : '', content: <OccasionLine line={line} onToggle={onToggle} /> }
}

const Head = memo(({ line }: { readonly line: Extract<Line, { kind: 'head' }> }) => {
  const words = useWords()
  return (
    <div className="kw-year-name">
      <h2 className="kw-display">{line.key ? words.date(line.key) : words.t('timeline.undated')}</h2>
      <span className="kw-dim kw-number">{words.number(line.count)}</span>
    </div>
  )
})

type RowProps = { readonly row: Row; readonly picked: boolean | null; readonly onPick: NonNullable<Picking>['onPick'] | undefined }

/** A record that leads to its page, or that is ticked. */
export const RowLine = memo(({ row, picked, onPick }: RowProps) => {
  const words = useWords()
  const text = row.excerpt ? <Excerpt parts={row.excerpt} /> : rowSub(words, row)
  const said = {
    type: row.type,
    glyph: row.picture && !row.waiting && <Thumb id={row.id} type={row.type} media={row.picture} />,
    title: titleText(row.title),
    sub: <Sub date={row.date} text={text} />,
    side: row.date && words.date(row.date),
  }
  if (picked === null) return <RecordLine href={`#/record/${row.id}`} {...said} />
  return <PickLine {...said} picked={picked} onPick={now => onPick?.(row.id, now)} />
})

type OccasionProps = { readonly line: Extract<Line, { kind: 'occasion' }>; readonly onToggle: (key: string) => void }

const OccasionLine = memo(({ line, onToggle }: OccasionProps) => {
  const words = useWords()
  const { t, n } = words
  const kinds = words.list(line.types.map(k => `${words.number(k.count)} × ${kindName(words, k.name)}`))
  const told = [n('timeline.count', line.count), kinds, line.author && t('timeline.by', { name: line.author })]
  return (
    <FoldLine
      type={line.title === null ? 'day' : 'Encounter'}
      title={line.title ?? t('life.dayGroup')}
      sub={<Sub date={line.date} text={told.filter(Boolean).join(' · ')} />}
      side={words.date(line.date)}
      open={line.open}
      onToggle={() => onToggle(line.key)}
    />
  )
})

type PeriodProps = { readonly line: Extract<Line, { kind: 'period' }>; readonly onCloser: (stretch: string) => void }

const Period = memo(({ line, onCloser }: PeriodProps) => {
  const words = useWords()
  const name = stretchName(words, line.key)
  return (
    <div className="kw-period">
      <button type="button" className="kw-period-name" onClick={() => onCloser(line.key)} title={words.t('life.closer', { when: name })}>
        <span className="kw-display">{name}</span>
        <span className="kw-dim kw-number">{words.n('timeline.count', line.count)}</span>
      </button>
      <p className="kw-period-line">{line.parts.map(p => `${partName(words, p.name)} ${words.number(p.count)}`).join(' · ')}</p>
      <ul className="kw-period-told">
        {line.told.map(row => (
          <li key={row.id}>
            <a href={`#/record/${row.id}`}>{titleText(row.title)}</a>
          </li>
        ))}
      </ul>
    </div>
  )
})
