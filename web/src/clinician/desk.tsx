import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, purposeName } from '#record/labels.ts'
import type { DeskShare, PatientCard, SentRequest } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { leftText, useNow } from './time.ts'

type Order = 'name' | 'until' | 'opened'
const SORTS: Readonly<Record<Order, (a: PatientCard, b: PatientCard) => number>> = {
  name: (a, b) => a.name.localeCompare(b.name),
  until: (a, b) => a.until - b.until,
  opened: (a, b) => (b.openedAt ?? 0) - (a.openedAt ?? 0),
}

/** The work list: whose record may be read or added to, until when, and what was asked of whom. */
export function Desk() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.desk(null), [], ['sharing'])
  return (
    <Page
      title={t('desk.title')}
      tab={t('desk.title')}
      lead={t('desk.lead')}
      actions={
        <>
          <Button component="a" href="#/desk/emergency" color="red" variant="light" leftSection={<Icon name="heart" size={19} />}>
            {t('aid.open')}
          </Button>
          <Button component="a" href="#/desk/ask" leftSection={<Icon name="add" size={19} />}>
            {t('desk.ask')}
          </Button>
        </>
      }
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <div className="kw-stack kw-stack-wide">
          {value.patients.length ? <Patients list={value.patients} /> : <Nobody />}
          {value.sent.length > 0 && <Sent list={value.sent} onChange={again} />}
        </div>
      )}
    </Page>
  )
}

function Nobody() {
  const { t } = useWords()
  return (
    <Panel>
      <Empty
        icon="person"
        title={t('desk.empty')}
        actions={
          <>
            <Button component="a" href="#/invite" variant="light">
              {t('share.invite')}
            </Button>
            <Button component="a" href="#/join" variant="default">
              {t('share.join')}
            </Button>
          </>
        }
      >
        {t('desk.emptyLead')}
      </Empty>
    </Panel>
  )
}

function Patients({ list }: { readonly list: readonly PatientCard[] }) {
  const { t, number } = useWords()
  const [text, setText] = useState('')
  const [order, setOrder] = useState<Order>('opened')
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    return list.filter(p => p.name.toLowerCase().includes(wanted)).sort(SORTS[order])
  }, [list, text, order])
  const live = shown.filter(p => p.live)
  const past = shown.filter(p => !p.live)
  return (
    <>
      <search className="kw-filters kw-filters-two">
        <TextInput
          type="search"
          aria-label={t('desk.search')}
          placeholder={t('desk.search')}
          leftSection={<Icon name="search" size={20} />}
          value={text}
          onChange={e => setText(e.currentTarget.value)}
        />
        <NativeSelect
          aria-label={t('desk.sort')}
          value={order}
          onChange={e => setOrder(e.currentTarget.value as Order)}
          data={[
            { value: 'opened', label: t('desk.sortOpened') },
            { value: 'until', label: t('desk.sortUntil') },
            { value: 'name', label: t('desk.sortName') },
          ]}
        />
      </search>
      {shown.length === 0 && <Empty icon="search" title={t('desk.nothing')} />}
      {live.length > 0 && <PatientTable list={live} />}
      {past.length > 0 && (
        <details className="kw-more">
          <summary>{`${t('desk.past')} (${number(past.length)})`}</summary>
          <PatientTable list={past} />
        </details>
      )}
    </>
  )
}

/** Drawn at once; a practice with more patients than that searches. */
const MOST = 300

function PatientTable({ list }: { readonly list: readonly PatientCard[] }) {
  const { t } = useWords()
  const now = useNow(30)
  return (
    <div className="kw-panel kw-panel-flush">
      <table className="kw-table">
        <caption className="kw-hidden">{t('desk.list')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('desk.name')}</th>
            <th scope="col">{t('desk.what')}</th>
            <th scope="col">{t('desk.left')}</th>
            <th scope="col">{t('desk.opened')}</th>
            <th scope="col">
              <span className="kw-hidden">{t('desk.action')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.slice(0, MOST).map(p => (
            <PatientRow key={p.did} patient={p} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

const MAY = { read: 'desk.read', write: 'desk.write', admin: 'desk.admin' } as const
const SOON = 2 * 86_400

const shareText = (words: Words, s: DeskShare): string => {
  const parts = s.records ? words.n('share.records', s.records) : words.list(s.compartments.map(c => partName(words, c)))
  return words.t(MAY[s.level], { parts })
}

function PatientRow({ patient: p, now }: { readonly patient: PatientCard; readonly now: number }) {
  const words = useWords()
  const { t } = words
  const live = p.shares.filter(s => s.state === 'live')
  const shown = live.length ? live : p.shares
  const reading = live.find(s => s.level !== 'write')
  const writing = live.find(s => s.mayAdd)
  return (
    <tr>
      <th scope="row">{p.name}</th>
      <td>
        <ul>
          {shown.map(s => (
            <li key={s.id}>
              {shareText(words, s)} <span className="kw-dim">{`· ${words.list(s.purposes.map(c => purposeName(words, c)))}`}</span>
            </li>
          ))}
        </ul>
      </td>
      <td className="kw-number" data-label={t('desk.left')}>
        {p.live ? (
          <>
            {p.until - now < SOON ? <Tag tone="warn">{leftText(words, p.until - now)}</Tag> : leftText(words, p.until - now)}
            <span className="kw-dim kw-small kw-block">{t('share.until', { date: words.day(p.until) })}</span>
          </>
        ) : (
          t('desk.endedOn', { date: words.day(p.until) })
        )}
      </td>
      <td className="kw-number kw-dim" data-label={t('desk.opened')}>
        {p.openedAt ? words.time(p.openedAt) : t('desk.never')}
      </td>
      <td>
        <div className="kw-row kw-row-end">
          {writing && (
            <Button component="a" size="sm" variant="default" href={`#/desk/add/${p.did}`} aria-label={t('desk.addName', { name: p.name })}>
              {t('desk.add')}
            </Button>
          )}
          {reading && (
            <Button
              component="a"
              size="sm"
              variant="light"
              href={`#/desk/of/${reading.id}`}
              aria-label={t('desk.openName', { name: p.name })}
            >
              {t('desk.open')}
            </Button>
          )}
        </div>
      </td>
    </tr>
  )
}

const STATES = { waiting: 'desk.waiting', granted: 'desk.granted', unanswered: 'desk.unanswered' } as const

function Sent({ list, onChange }: { readonly list: readonly SentRequest[]; readonly onChange: () => void }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const forget = (id: string): void => void api.forgetRequest(id).then(onChange, onChange)
  const line = (r: SentRequest): string => {
    const purpose = purposeName(words, r.purpose)
    return [words.day(r.at), t('share.for', { purpose }), words.span(Math.max(1, Math.round(r.seconds / 86_400)), 'day'), r.text]
      .filter(Boolean)
      .join(' · ')
  }
  return (
    <Panel title={t('desk.sent')} icon="share">
      <p className="kw-dim kw-small">{t('desk.waitingNote')}</p>
      <ul className="kw-lines">
        {list.map(r => (
          <li key={r.id}>
            <div className="kw-row kw-row-between kw-row-tight">
              <RecordLine
                wrap
                title={t(r.level === 'write' ? 'desk.sentWrite' : 'desk.sentRead', {
                  name: r.name,
                  parts: words.list(r.compartments.map(c => partName(words, c))),
                })}
                sub={line(r)}
              />
              <div className="kw-row">
                <Tag tone={r.state === 'granted' ? 'brand' : 'plain'}>{t(STATES[r.state])}</Tag>
                <Button size="compact-sm" variant="subtle" aria-label={t('desk.forgetName', { name: r.name })} onClick={() => forget(r.id)}>
                  {t('desk.forget')}
                </Button>
              </div>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
