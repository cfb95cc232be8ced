import { Button } from '@mantine/core'
import { useCallback, useEffect, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useIdle } from '#client/idle.ts'
import { useAsk } from '#client/use-ask.ts'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { titleText } from '#record/labels.ts'
import { RecordView } from '#record/record-view.tsx'
import type { SessionOver } from '#rpc/clinician.ts'
import type { EmergencyReading, SummarySection } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import { Clock } from './clock.tsx'
import { IDLE_MINUTES } from './time.ts'

type ReadingProps = { readonly reading: EmergencyReading; readonly onOver: (over: SessionOver) => void }

/** The summary while its window lasts. It ends with the page, the window, the reader's absence, and the patient's veto. */
export function Reading({ reading, onOver }: ReadingProps) {
  const words = useWords()
  const { t } = words
  const { api, on } = useVault()
  const { session, sections, rows, madeAt } = reading
  const [record, setRecord] = useState('')
  const end = useCallback((why: 'ended' | 'idle') => void api.endSession(why).catch(() => {}), [api])
  useIdle(IDLE_MINUTES, () => end('idle'))
  useEffect(
    () =>
      on('session', value => {
        const over = value as SessionOver
        if (over.share === session.share.id) onOver(over)
      }),
    [on, onOver, session.share.id],
  )
  useEffect(() => () => void api.endSession('ended').catch(() => {}), [api])
  const { name } = session.share
  return (
    <Page title={name ? t('aid.session', { name }) : t('aid.sessionNoName')} tab={t('desk.title')}>
      <div className="kw-chart">
        <Clock session={session} onEnd={() => end('ended')} />
        {sections.length === 0 && <Banner tone="warn">{t('aid.nothing')}</Banner>}
        <div className="kw-columns">
          {sections.map(s => (
            <Section key={s.title} section={s} />
          ))}
        </div>
        {madeAt !== null && <p className="kw-dim kw-small">{t('aid.made', { date: words.time(madeAt) })}</p>}
        {rows.length > 0 && (
          <Panel title={t('aid.more')} icon="folder">
            <ul className="kw-lines">
              {rows.map(r => (
                <li key={r.id}>
                  <RecordLine
                    wrap
                    type={r.type}
                    title={titleText(r.title)}
                    sub={r.date && words.date(r.date)}
                    side={
                      <Button
                        size="sm"
                        variant="light"
                        aria-label={`${t('desk.open')} ${titleText(r.title)}`}
                        onClick={() => setRecord(r.id)}
                      >
                        {t('desk.open')}
                      </Button>
                    }
                  />
                </li>
              ))}
            </ul>
          </Panel>
        )}
        {record && <Opened key={record} id={record} />}
        <p className="kw-dim kw-small">{t('session.idleNote', { minutes: IDLE_MINUTES })}</p>
      </div>
    </Page>
  )
}

/** A record that the patient filed for emergencies, with where it came from. */
function Opened({ id }: { readonly id: string }) {
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.sessionRecord(id), [id])
  if (error) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  return (
    <section className="kw-stack" aria-label={titleText(value.row.title)}>
      <h2>{titleText(value.row.title)}</h2>
      <RecordView view={value} shared load={() => api.sessionFile(id)} />
    </section>
  )
}

function Section({ section: { title, lines } }: { readonly section: SummarySection }) {
  const { t } = useWords()
  return (
    <Panel title={title}>
      {lines.length ? (
        <ul className="kw-lines">
          {lines.map(l => (
            <li key={`${l.text} ${l.note}`}>
              <RecordLine wrap title={l.text} sub={l.note} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="kw-dim">{t('aid.none2')}</p>
      )}
    </Panel>
  )
}
