import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { type IconName, Sign } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, purposeName, titleText } from '#record/labels.ts'
import type { Looked, TrailView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import type { Words } from '#words/words.ts'
import { AccountExport } from './who-export.tsx'
import { EVERYTHING, filtered, type WhoFilter, WhoFilters } from './who-filters.tsx'
import { Proof, type Trail } from './who-proof.tsx'
import { ReportProof } from './who-report.tsx'
import { WitnessPanel } from './who-witness.tsx'

/** Lines drawn at once; the rest at a press, for somebody may have a file of thousands. */
const SHOWN = 200

/** The verified trail. Green stands here only for what this device has checked just now. */
export function Who() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, loading, again } = useAsk(() => api.trail(null), [], ['looked'])
  const [filter, setFilter] = useState(EVERYTHING)
  const list = value ? filtered(words, value.looked, filter) : []
  return (
    <Page
      title={t('who.title')}
      tab={t('who.title')}
      lead={t('who.lead')}
      actions={
        <Button variant="default" onClick={again} loading={loading && value !== undefined}>
          {t('who.again')}
        </Button>
      }
    >
      {error ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting text={t('who.checking')} />
      ) : (
        <>
          <Verdict trail={value} />
          <Panel>
            <div className="kw-stack">
              <WhoFilters all={value.looked} value={filter} onChange={setFilter} />
              <Lines key={JSON.stringify(filter)} list={list} filter={filter} trail={value} />
            </div>
          </Panel>
          <WitnessPanel />
          <AccountExport trail={value} own={filter.own} />
        </>
      )}
    </Page>
  )
}

function Verdict({ trail }: { readonly trail: TrailView }) {
  const words = useWords()
  const { t, n } = words
  if (trail.problems.length)
    return (
      <Banner tone="bad" title={n('who.bad', trail.problems.length)} urgent>
        <p>{t('who.badNote')}</p>
        <ul className="kw-bullets">
          {trail.problems.map(p => (
            <li
              key={`${p.seq} ${p.code}`}
            >{`${p.seq ? `${t('who.number', { number: p.seq })}: ` : ''}${errorText(words, p)} (${p.code})`}</li>
          ))}
        </ul>
        {trail.problems.some(p => p.code === 'FORKED') && <p>{t('who.forked')}</p>}
        <ReportProof proof={trail.problems.find(p => p.proof)?.proof ?? null} />
      </Banner>
    )
  const anchored = trail.anchored
    ? t('who.anchored', { size: trail.anchored.size, date: words.time(trail.anchored.time) })
    : t('who.notAnchored')
  return (
    <Banner tone="good" title={n('who.good', trail.receipts)}>
      {t('who.goodNote', { date: words.time(trail.checkedAt) })} {anchored}
      {trail.unbroken && (
        <p>{t('who.unbroken', { date: words.time(trail.unbroken.since), from: trail.unbroken.from, size: trail.logSize })}</p>
      )}
    </Banner>
  )
}

type LinesProps = { readonly list: readonly Looked[]; readonly filter: WhoFilter; readonly trail: Trail }

function Lines({ list, filter, trail }: LinesProps) {
  const words = useWords()
  const { t } = words
  const [shown, setShown] = useState(SHOWN)
  const { own, ...more } = filter
  const asked = Object.values(more).some(Boolean)
  if (!list.length)
    return (
      <Empty icon="eye" title={t(asked ? 'account.nothing' : trail.problems.length ? 'who.noneShown' : own ? 'who.noneOwn' : 'who.none')} />
    )
  const days = Map.groupBy(list.slice(0, shown), l => words.day(l.time))
  return (
    <div className="kw-stack kw-stack-wide">
      {[...days].map(([day, lines]) => (
        <section key={day}>
          <h2 className="kw-dim kw-small">{day}</h2>
          <ul className="kw-lines kw-far">
            {lines.map(l => (
              <li key={l.seq}>
                <Line looked={l} />
                <Proven looked={l} trail={trail} />
              </li>
            ))}
          </ul>
        </section>
      ))}
      {shown < list.length && (
        <div>
          <Button variant="light" onClick={() => setShown(shown + SHOWN)}>
            {t('account.more', { count: list.length - shown })}
          </Button>
        </div>
      )}
    </div>
  )
}

/** The proof of a line, when it is wanted. */
function Proven({ looked, trail }: { readonly looked: Looked; readonly trail: Trail }) {
  const { t } = useWords()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        aria-label={t('proof.of', { number: looked.seq })}
      >
        {t('proof.title')}
      </Button>
      {open && <Proof looked={looked} trail={trail} />}
    </>
  )
}

const ICONS: Readonly<Record<string, IconName>> = {
  list: 'timeline',
  view: 'eye',
  create: 'add',
  deny: 'lock',
  erase: 'trash',
  export: 'save',
}

function Line({ looked: l }: { readonly looked: Looked }) {
  const words = useWords()
  const { t } = words
  const time = new Date(l.time * 1000).toLocaleTimeString(words.locale, { timeStyle: 'short' })
  const about = [
    t('share.for', { purpose: purposeName(words, l.purpose) }),
    l.person && t('who.person', { person: l.person }),
    l.denied && l.reasons.join(', '),
  ].filter(Boolean)
  return (
    <RecordLine
      wrap
      glyph={<Sign name={l.denied ? 'lock' : (ICONS[l.action] ?? 'eye')} tone={l.denied ? 'bad' : l.own ? undefined : 'brand'} />}
      title={sentence(words, l)}
      sub={
        <>
          {about.join(' · ')}{' '}
          {l.credential && (
            <Tag tone={l.credential === 'live' ? 'good' : 'bad'}>{t(l.credential === 'live' ? 'who.vouched' : 'who.vouchedNot')}</Tag>
          )}{' '}
          <Tag tone={l.reader === 'verified' ? 'good' : 'warn'}>{t(l.reader === 'verified' ? 'who.reader' : 'who.readerUnknown')}</Tag>
        </>
      }
      side={time}
    />
  )
}

const NAMED = 3

function sentence(words: Words, l: Looked): string {
  const { t, n } = words
  if (l.denied) return t('who.deny', { name: l.name })
  const shown = l.records.slice(0, NAMED).map(r => (r.title === null ? t('who.gone') : titleText(r.title)))
  const more = l.records.length > NAMED ? [t('who.more', { count: l.records.length - NAMED })] : []
  const records = l.records.length ? words.list([...shown, ...more]) : n('who.record', 1)
  const parts = words.list(l.compartments.map(c => partName(words, c)))
  return words
    .maybe(`who.${l.action}`, l.action)
    .replace('{name}', l.name)
    .replace('{records}', records)
    .replace('{parts}', parts || t('timeline.anyPart'))
}
