import { Button } from '@mantine/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import { type OpenRecord, useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Empty, Page } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { VirtualList } from '#parts/virtual-list.tsx'
import { rowSub, titleText } from '#record/labels.ts'
import { Excerpt, Sub } from '#record/sub.tsx'
import type { Found, Query, TimelineItem } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { NeedsLook } from './attention.tsx'
import { TimelineFilters } from './timeline-filters.tsx'
import { TimelineLines } from './timeline-lines.tsx'
import { keepPlace, keptPlace, type Place } from './timeline-place.ts'
import { closer, type View, ZoomPanel } from './timeline-zoom.tsx'

/** Items fetched at once. */
const BLOCK = 100
const HEIGHT = 72

type Answer = { readonly found: Found; readonly first: readonly TimelineItem[] }

const EVERYTHING: Place = { text: '', part: '', kind: '', from: '', to: '', author: '', zoom: 'day', stretch: '' }

/** Everything by date of care, from decades to days; found and gathered in the worker, drawn by windows. */
export function Timeline({ compartment, type }: { readonly compartment: string; readonly type: string }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const asked = location.hash.replace(/^#\/timeline/, '')
  const [before] = useState(() => (keptPlace(api)?.asked === asked ? keptPlace(api) : undefined))
  const [place, setPlace] = useState<Place>(before?.place ?? { ...EVERYTHING, part: compartment, kind: type })
  const [open, setOpen] = useState<readonly string[] | null>(before?.open ?? null)
  const change = useCallback((next: Partial<Place>) => {
    setPlace(p => ({ ...p, ...next }))
    setOpen(null)
  }, [])
  const { text, part, kind, zoom, stretch } = place
  const query = { text, compartment: part, type: kind, from: place.from, to: place.to, author: place.author, stretch }
  const { value, error, again } = useAsk(
    async () => {
      const life = await api.life({ ...query, zoom })
      return { life, answer: text.trim() ? await search(api, query) : null }
    },
    [place],
    ['records'],
  )
  useKeeping({ asked, place, open })
  const view = useCallback((next: View) => change(next), [change])
  const toggle = useCallback((key: string) => setOpen(o => toggled(o ?? value?.life.open ?? [], key)), [value?.life])
  const into = useCallback((key: string) => setPlace(p => ({ ...p, ...closer(p, key) })), [])
  const filtered = Object.entries(place).some(([name, v]) => name !== 'zoom' && String(v).trim() !== '')
  return (
    <Page
      title={t('timeline.title')}
      tab={t('timeline.title')}
      actions={
        value?.life.types.includes('dicom') && (
          <Button component="a" href="#/images" variant="default" leftSection={<Icon name="scan" size={19} />}>
            {t('images.title')}
          </Button>
        )
      }
    >
      <NeedsLook />
      <TimelineFilters place={place} life={value?.life} onChange={change} />
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {(value.life.records > 0 || stretch !== '') && <ZoomPanel life={value.life} zoom={zoom} stretch={stretch} onView={view} />}
          <div className="kw-stack kw-stack-tight">
            <p className="kw-dim" role="status">
              {n('timeline.count', value.life.records)}
            </p>
            {value.answer?.found.records ? (
              <Rows answer={value.answer} />
            ) : value.life.records ? (
              <TimelineLines
                life={value.life}
                open={open ?? value.life.open}
                far={zoom !== 'day'}
                start={before ?? null}
                onToggle={toggle}
                onCloser={into}
              />
            ) : filtered ? (
              <Empty
                icon="search"
                title={t('timeline.nothing')}
                actions={
                  <Button variant="default" onClick={() => change(EVERYTHING)}>
                    {t('timeline.clear')}
                  </Button>
                }
              >
                {t('timeline.nothingLead')}
              </Empty>
            ) : (
              <Empty
                icon="folder"
                title={t('timeline.empty')}
                actions={
                  <Button component="a" href="#/add">
                    {t('home.emptyAdd')}
                  </Button>
                }
              />
            )}
          </div>
        </>
      )}
    </Page>
  )
}

async function search(api: OpenRecord['api'], query: Query): Promise<Answer> {
  const found = await api.find(query)
  return { found, first: await api.window({ token: found.token, from: 0, to: BLOCK }) }
}

const toggled = (open: readonly string[], key: string): string[] => (open.includes(key) ? open.filter(o => o !== key) : [...open, key])

/** Keeps where someone is for when they come back; the record they open last is what they come back from. */
function useKeeping(now: { readonly asked: string; readonly place: Place; readonly open: readonly string[] | null }): void {
  const { api } = useVault()
  const latest = useRef(now)
  latest.current = now
  useEffect(() => {
    const keep = (event: MouseEvent): void => {
      const href = (event.target as Element).closest?.('a')?.getAttribute('href') ?? ''
      if (href.startsWith('#/record/')) keepPlace(api, { ...latest.current, scroll: window.scrollY, last: href.slice('#/record/'.length) })
    }
    document.addEventListener('click', keep, { capture: true })
    return () => document.removeEventListener('click', keep, { capture: true })
  }, [api])
}

function Rows({ answer }: { readonly answer: Answer }) {
  const words = useWords()
  const { api } = useVault()
  const blocks = useRef({ token: -1, items: new Map<number, readonly TimelineItem[]>(), asked: new Set<number>() })
  const [, draw] = useState(0)
  if (blocks.current.token !== answer.found.token)
    blocks.current = { token: answer.found.token, items: new Map([[0, answer.first]]), asked: new Set([0]) }
  const onRange = useCallback(
    (from: number, to: number) => {
      const mine = blocks.current
      for (let b = Math.floor(from / BLOCK); b * BLOCK < to; b++) {
        if (mine.asked.has(b)) continue
        mine.asked.add(b)
        api.window({ token: mine.token, from: b * BLOCK, to: (b + 1) * BLOCK }).then(
          items => {
            mine.items.set(b, items)
            if (blocks.current === mine) draw(x => x + 1)
          },
          () => mine.asked.delete(b),
        )
      }
    },
    [api],
  )
  const render = (index: number) => {
    const item = blocks.current.items.get(Math.floor(index / BLOCK))?.[index % BLOCK]
    if (!item) return { content: null }
    if ('year' in item)
      return {
        className: 'kw-year',
        content: (
          <div className="kw-year-name">
            <h2 className="kw-display">{item.year || words.t('timeline.undated')}</h2>
            <span className="kw-dim kw-number">{words.number(item.count)}</span>
          </div>
        ),
      }
    return {
      content: (
        <RecordLine
          href={`#/record/${item.id}`}
          type={item.type}
          title={titleText(item.title)}
          sub={<Sub date={item.date} text={item.excerpt ? <Excerpt parts={item.excerpt} /> : rowSub(words, item)} />}
          side={item.date && words.date(item.date)}
        />
      ),
    }
  }
  return (
    <div className="kw-panel kw-panel-flush">
      <VirtualList
        key={answer.found.token}
        label={words.t('timeline.list')}
        count={answer.found.items}
        height={HEIGHT}
        render={render}
        onRange={onRange}
      />
    </div>
  )
}
