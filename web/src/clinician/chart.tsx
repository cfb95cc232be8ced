import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'
import { Banner, Empty, Page } from '#parts/page.tsx'
import { titleText } from '#record/labels.ts'
import type { SessionView } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { AddTo } from './add.tsx'
import { Clock } from './clock.tsx'
import { Findings } from './findings.tsx'
import { OpenAll } from './open-all.tsx'
import { Overview } from './overview.tsx'
import { Pane } from './pane.tsx'
import { Problems } from './problems.tsx'
import { IDLE_MINUTES } from './time.ts'
import { SeriesPane, Trends } from './trends.tsx'

const VIEWS = ['overview', 'problems', 'timeline', 'trends', 'files', 'add'] as const
type View = (typeof VIEWS)[number]

type ChartProps = {
  readonly session: SessionView
  readonly view: string
  readonly record: string
  /** A kind of record to begin the timeline with. */
  readonly type: string
  readonly onEnd: () => void
  readonly onOpened: () => void
}

/** A record while its session lasts: a list or a page at the left, the record that is being read at its side. */
export function Chart({ session, view: asked, record, type, onEnd, onOpened }: ChartProps) {
  const words = useWords()
  const { t, n } = words
  const { share, opened } = session
  const view: View = VIEWS.find(v => v === asked) ?? 'overview'
  const base = `#/desk/of/${share.id}/${view}`
  const kept = type ? `?type=${type}` : ''
  const hrefOf = (id: string): string => `${base}/${id}${kept}`
  const news = session.fresh === null ? '' : session.fresh ? n('session.fresh', session.fresh) : t('session.freshNone')
  return (
    <Page title={t('session.title', { name: share.name })} tab={t('desk.title')}>
      <div className="kw-chart">
        <Clock session={session} onEnd={onEnd} />
        <Views share={share.id} here={view} />
        {session.refused.length > 0 && (
          <Banner tone="bad" title={n('session.refused', session.refused.length)}>
            <ul className="kw-bullets">
              {session.refused.map(r => (
                <li key={r.id}>
                  {titleText(r.title)}: {errorText(words, r)}
                </li>
              ))}
            </ul>
          </Banner>
        )}
        {session.problems > 0 && <Banner tone="warn">{n('session.unread', session.problems)}</Banner>}
        {view === 'add' ? (
          <AddTo did={share.did} name={share.name} reader={session} />
        ) : session.records === 0 ? (
          <Empty icon="folder" title={t('session.empty')} />
        ) : (
          <>
            <OpenAll name={share.name} opened={opened} news={news} onOpened={onOpened} />
            <div
              className="kw-chart-two"
              data-side={record || view !== 'overview' ? 'true' : undefined}
              data-record={record ? 'true' : undefined}
            >
              <Steps>{draw(view, { session, hrefOf, here: record, type })}</Steps>
              <Side view={view} record={record} session={session} back={base + kept} onOpened={onOpened} />
            </div>
          </>
        )}
        <p className="kw-dim kw-small">
          {t('overview.notAll')} {t('session.idleNote', { minutes: IDLE_MINUTES })}
        </p>
      </div>
    </Page>
  )
}

type Drawn = {
  readonly session: SessionView
  readonly hrefOf: (id: string) => string
  readonly here: string
  readonly type: string
}

function draw(view: View, { session, hrefOf, here, type }: Drawn): ReactNode {
  // What was opened since changes what is known: the views ask again.
  const version = session.opened.open
  if (view === 'problems') return <Problems version={version} hrefOf={hrefOf} here={here} />
  if (view === 'timeline') return <Findings key={type} session={session} hrefOf={hrefOf} here={here} type={type} />
  if (view === 'trends') return <Trends version={version} hrefOf={hrefOf} here={here} />
  if (view === 'files') return <Findings key="files" files session={session} hrefOf={hrefOf} here={here} type="" />
  const allOf = (of: string): string => `#/desk/of/${session.share.id}/timeline?type=${of}`
  return <Overview version={version} hrefOf={hrefOf} here={here} allOf={allOf} />
}

type SideProps = Pick<ChartProps, 'session' | 'record' | 'onOpened'> & { readonly view: View; readonly back: string }

/** What was chosen from the list: a record, or a series of values. */
function Side({ view, record, session, back, onOpened }: SideProps) {
  if (!record && view === 'overview') return null
  const recordHref = (id: string): string => `#/desk/of/${session.share.id}/timeline/${id}`
  if (record && view === 'trends')
    return <SeriesPane key={record} id={record} back={back} version={session.opened.open} recordHref={recordHref} />
  const pick = view === 'trends' ? 'trends.pick' : 'session.pick'
  return <Pane key={record} record={record} back={back} pick={pick} hrefOf={recordHref} onOpened={onOpened} />
}

function Views({ share, here }: { readonly share: string; readonly here: View }) {
  const { t } = useWords()
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    const center = (): void => {
      const chosen = list.current?.querySelector<HTMLElement>(`[href$="/${here}"]`)
      if (list.current && chosen) list.current.scrollLeft = chosen.offsetLeft - (list.current.clientWidth - chosen.offsetWidth) / 2
    }
    center()
    // A phone that is turned has another width.
    window.addEventListener('resize', center)
    return () => window.removeEventListener('resize', center)
  }, [here])
  return (
    <nav className="kw-views" aria-label={t('session.views')}>
      <ul ref={list}>
        {VIEWS.map(v => (
          <li key={v}>
            <a href={`#/desk/of/${share}/${v}`} aria-current={v === here ? 'page' : undefined}>
              {t(`session.${v}`)}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** Arrow keys go from line to line, so that a record can be read through without a mouse; Control K is the search field. */
function Steps({ children }: { readonly children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const find = (e: globalThis.KeyboardEvent): void => {
      const field = box.current?.querySelector<HTMLInputElement>('input[type=search]')
      if (!(e.ctrlKey || e.metaKey) || e.key !== 'k' || !field) return
      e.preventDefault()
      field.focus()
    }
    window.addEventListener('keydown', find)
    return () => window.removeEventListener('keydown', find)
  }, [])
  const step = (e: KeyboardEvent): void => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return
    const lines = [...(box.current?.querySelectorAll<HTMLElement>('a.kw-line') ?? [])]
    const at = lines.indexOf(document.activeElement as HTMLElement)
    const next = at < 0 ? (e.target instanceof HTMLInputElement ? lines[0] : undefined) : lines[at + (e.key === 'ArrowDown' ? 1 : -1)]
    if (!next) return
    e.preventDefault()
    next.focus()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the links inside have the focus; this only moves it among them
    <div ref={box} className="kw-chart-list" onKeyDown={step}>
      {children}
    </div>
  )
}
