import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { PeriodsAxis, PeriodsBar, type Span } from '#parts/periods-bar.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { rowSub, statusName } from '#record/labels.ts'
import type { MedicineView } from '#rpc/medicines.ts'
import type { About, Detail } from '#rpc/summary.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { doseWords } from './facts.tsx'

const YEAR = 365.25 * 86_400_000
const DAY = 86_400_000
/** Medicines drawn before someone asks for all. */
const FIRST = 40
const RANGES = [0, 10, 2] as const

/** What is taken and was taken, each medicine once, its times on one axis. */
export function Medicines() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.medicines(null), [], ['records'])
  return (
    <Page title={t('medicines.title')} tab={t('medicines.title')} back={{ href: '#/', label: t('nav.home') }} lead={t('medicines.lead')}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.length ? (
        <Both all={value} />
      ) : (
        <Panel>
          <Empty
            icon="pill"
            title={t('summary.empty.medications')}
            actions={
              <Button component="a" href="#/add">
                {t('home.emptyAdd')}
              </Button>
            }
          />
        </Panel>
      )}
    </Page>
  )
}

function Both({ all }: { readonly all: readonly MedicineView[] }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [years, setYears] = useState<(typeof RANGES)[number]>(0)
  const [whole, setWhole] = useState(false)
  const shown = whole ? all : all.slice(0, FIRST)
  const ids = shown.map(m => m.rows[0]!.id)
  const about = useAsk(() => api.about(ids), [ids.join()])
  const range = rangeOf(all, years)
  const list = (title: string, some: readonly MedicineView[]) =>
    some.length > 0 && (
      <Panel title={title} icon="pill">
        <PeriodsAxis range={range} name={y => words.date(String(y))} />
        <ul className="kw-lines">
          {some.map(m => (
            <li key={m.rows[0]!.id}>
              <Medicine medicine={m} range={range} about={about.value} />
            </li>
          ))}
        </ul>
      </Panel>
    )
  return (
    <>
      <fieldset className="kw-segments kw-segments-start" aria-label={t('medicines.range')}>
        {RANGES.map(r => (
          <button key={r} type="button" aria-pressed={r === years} onClick={() => setYears(r)}>
            {r ? t('medicines.last', { span: words.span(r, 'year') }) : t('life.all')}
          </button>
        ))}
      </fieldset>
      {list(
        t('medicines.current'),
        shown.filter(m => m.current),
      )}
      {list(
        t('medicines.past'),
        shown.filter(m => !m.current),
      )}
      {about.error !== null && !about.value && <p className="kw-dim">{t('medicines.later')}</p>}
      {shown.length < all.length && (
        <Button variant="default" onClick={() => setWhole(true)}>
          {t('medicines.showAll', { count: all.length })}
        </Button>
      )}
    </>
  )
}

/** From the first day of any to now; a little more, so that one that began today can be seen. */
function rangeOf(all: readonly MedicineView[], years: number): Span {
  const to = Date.now()
  const starts = all.flatMap(m => m.courses.map(c => Date.parse(c.start))).filter(x => !Number.isNaN(x))
  const from = years ? to - years * YEAR : Math.min(to - YEAR, ...starts)
  return { from, to: to + (to - from) / 100 }
}

const spansOf = ({ courses }: MedicineView, now: number): Span[] =>
  courses.flatMap(c => {
    const from = Date.parse(c.start)
    return Number.isNaN(from) ? [] : [{ from, to: c.end === null ? now : Math.max(Date.parse(c.end) || from, from + DAY) }]
  })

/** `since 3 May 2019`, `1 May – 3 June 2019`, `on 3 May 2019`, from the last course on. */
function courseWords(words: Words, { courses }: MedicineView): string {
  const told = courses.map(c => {
    const start = words.date(c.start)
    if (c.end === null) return words.t('medicines.since', { date: start })
    return c.end.slice(0, 10) === c.start.slice(0, 10) ? start : `${start} – ${words.date(c.end)}`
  })
  const last = told.slice(-3).reverse()
  return [...last, ...(told.length > last.length ? [words.t('medicines.earlier', { count: told.length - last.length })] : [])].join('; ')
}

type MedicineProps = { readonly medicine: MedicineView; readonly range: Span; readonly about: About | undefined }

function Medicine({ medicine, range, about }: MedicineProps) {
  const words = useWords()
  const { t, n } = words
  const newest = medicine.rows[0]!
  const detail: Detail = about?.details[newest.id] ?? {}
  const status = newest.status && newest.status !== 'active' ? statusName(words, newest.status) : ''
  const from = detail.by ?? newest.author
  const dose = doseWords(words, detail)
  return (
    <div className="kw-medicine">
      <div className="kw-medicine-text">
        <h3>
          <a href={`#/record/${newest.id}`}>{medicine.title}</a> {status && <Tag>{status}</Tag>}
        </h3>
        {dose && <p>{dose}</p>}
        <p className="kw-dim kw-small">
          {[
            courseWords(words, medicine),
            detail.reason && t('medicines.for', { reason: detail.reason }),
            from && t('timeline.by', { name: from }),
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </div>
      <PeriodsBar spans={spansOf(medicine, range.to)} range={range} now={medicine.current} />
      {medicine.count > 1 && (
        <details>
          <summary>{n('timeline.count', medicine.count)}</summary>
          <ul>
            {medicine.rows.map(row => (
              <li key={row.id}>
                <RecordLine
                  href={`#/record/${row.id}`}
                  title={row.title}
                  sub={rowSub(words, row)}
                  side={row.date && words.date(row.date)}
                />
              </li>
            ))}
          </ul>
          {medicine.count > medicine.rows.length && (
            <p className="kw-dim">{n('summary.freshMore', medicine.count - medicine.rows.length)}</p>
          )}
        </details>
      )}
    </div>
  )
}
