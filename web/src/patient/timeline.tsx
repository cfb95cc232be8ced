import { Button } from '@mantine/core'
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Empty, Page } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { BLOCK, Windowed } from '#record/windowed.tsx'
import type { Looked } from '#rpc/timeline.ts'
import type { TimelineItem } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { NeedsLook } from './attention.tsx'
import { TimelineFilters } from './timeline-filters.tsx'
import { type Picking, RowLine, TimelineLines } from './timeline-lines.tsx'
import { keepPlace, keptPlace, type Place } from './timeline-place.ts'
import { closer, type View, ZoomPanel } from './timeline-zoom.tsx'

const Selection = lazy(async () => ({ default: (await import('./selection.tsx')).Selection }))

const HEIGHT = 72

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
  const choosing = useChoosing()
  const flat = choosing.picking !== null
  const query = { text, compartment: part, type: kind, from: place.from, to: place.to, author: place.author, stretch }
  const { value, error, again } = useAsk(() => api.look({ ...query, zoom, flat, rows: BLOCK }), [place, flat], ['records'])
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
        <>
          {value?.life.types.includes('dicom') && (
            <Button component="a" href="#/images" variant="default" leftSection={<Icon name="scan" size={19} />}>
              {t('images.title')}
            </Button>
          )}
          {value && value.life.types.length > 0 && (
            <Button
              ref={choosing.button}
              variant={flat ? 'light' : 'default'}
              aria-pressed={flat}
              leftSection={<Icon name="check" size={19} />}
              onClick={() => {
                choosing.toggle()
                if (!flat) change({ zoom: 'day' })
              }}
            >
              {t('select.begin')}
            </Button>
          )}
        </>
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
            {choosing.picking && (
              <Suspense fallback={<Waiting />}>
                <Selection
                  chosen={choosing.picking.chosen}
                  found={value.life.records}
                  query={query}
                  onChoose={choosing.choose}
                  onEnd={choosing.toggle}
                />
              </Suspense>
            )}
            {value.answer?.found.records ? (
              <Rows answer={value.answer} picking={choosing.picking} />
            ) : value.life.records ? (
              <TimelineLines
                life={value.life}
                open={open ?? value.life.open}
                far={zoom !== 'day'}
                picking={choosing.picking}
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

const toggled = (open: readonly string[], key: string): string[] => (open.includes(key) ? open.filter(o => o !== key) : [...open, key])

const NONE: ReadonlySet<string> = new Set()

/** Several records chosen at once, to do one thing with all of them; what is chosen stays so while the filters change. */
function useChoosing() {
  const button = useRef<HTMLButtonElement>(null)
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null)
  const onPick = useCallback((id: string, picked: boolean) => {
    setChosen(c => {
      const next = new Set(c)
      if (picked) next.add(id)
      else next.delete(id)
      return next
    })
  }, [])
  const choose = useCallback((ids: readonly string[]) => setChosen(new Set(ids)), [])
  const toggle = useCallback(() => {
    setChosen(c => (c ? null : NONE))
    // Whoever ended it from within the bar is given back where they began.
    button.current?.focus({ preventScroll: true })
  }, [])
  const picking = useMemo((): Picking => chosen && { chosen, onPick }, [chosen, onPick])
  return { button, picking, choose, toggle }
}

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

function Rows({ answer, picking }: { readonly answer: NonNullable<Looked['answer']>; readonly picking: Picking }) {
  const words = useWords()
  const { api } = useVault()
  const load = useCallback((w: Parameters<typeof api.window>[0]) => api.window(w), [api])
  const draw = (item: TimelineItem) =>
    'year' in item
      ? {
          key: item.year,
          className: 'kw-year',
          content: (
            <div className="kw-year-name">
              <h2 className="kw-display">{item.year || words.t('timeline.undated')}</h2>
              <span className="kw-dim kw-number">{words.number(item.count)}</span>
            </div>
          ),
        }
      : { key: item.id, content: <RowLine row={item} picked={picking ? picking.chosen.has(item.id) : null} onPick={picking?.onPick} /> }
  return (
    <div className="kw-panel kw-panel-flush">
      <Windowed answer={answer} load={load} label={words.t('timeline.list')} height={HEIGHT} draw={draw} />
    </div>
  )
}
