import { Button, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { FormDialog } from '#parts/dialog.tsx'
import { Banner, Panel, Tag, type Tone } from '#parts/page.tsx'
import { titleText } from '#record/labels.ts'
import { saveBlob } from '#record/save.ts'
import type { AnswerRight, CaseView } from '#rpc/rights.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { Choice } from './choice.tsx'

type Again = { readonly again: () => Promise<void> }
type CasesProps = Again & { readonly cases: readonly CaseView[] }

/** What was asked of others, and what others ask: until when, and what became of it. */
export function Cases({ cases, again }: CasesProps) {
  const { t } = useWords()
  const mine = cases.filter(c => c.mine)
  const theirs = cases.filter(c => !c.mine)
  return (
    <>
      <Panel
        title={t('cases.mine')}
        icon="clock"
        wide
        side={
          <Button component="a" href="#/rights/ask" variant="light">
            {t('cases.ask')}
          </Button>
        }
      >
        {mine.length ? <List cases={mine} again={again} /> : <p className="kw-dim">{t('cases.none')}</p>}
      </Panel>
      {theirs.length > 0 && (
        <Panel title={t('cases.theirs')} icon="person" wide>
          <List cases={theirs} again={again} />
        </Panel>
      )}
    </>
  )
}

const List = ({ cases, again }: CasesProps) => (
  <ul className="kw-lines">
    {cases.map(c => (
      <li key={c.id}>
        <Case of={c} again={again} />
      </li>
    ))}
  </ul>
)

const TONES: Readonly<Record<CaseView['state'], Tone | 'brand'>> = { asked: 'brand', done: 'good', refused: 'bad', extended: 'warn' }

function Case({ of: c, again }: Again & { readonly of: CaseView }) {
  const words = useWords()
  const { t } = words
  const [asking, ask] = useState<'answer' | 'disagree' | null>(null)
  const open = c.stands !== 'answered'
  return (
    <div className="kw-stack kw-stack-tight">
      <p>
        <strong>{`${c.name}: ${t(`right.${c.right}`)}`}</strong>{' '}
        <Tag tone={c.stands === 'late' ? 'bad' : TONES[c.state]}>
          {t(c.stands === 'late' ? 'cases.late' : c.state === 'asked' ? 'cases.waiting' : `cases.${c.state}`)}
        </Tag>
      </p>
      <p className="kw-dim">{when(words, c)}</p>
      {c.records.length > 0 && <p>{t('cases.about', { records: recordsText(words, c) })}</p>}
      {c.text && <blockquote className="kw-quote">{c.text}</blockquote>}
      {c.answer && (
        <>
          <p className="kw-dim">{t('cases.answered', { date: words.day(c.answeredAt ?? c.at) })}</p>
          <blockquote className="kw-quote">{c.answer}</blockquote>
        </>
      )}
      {c.mine && c.stands === 'late' && <Banner tone="warn">{t('cases.lateNote')}</Banner>}
      <div className="kw-row">
        {!c.mine && open && (
          <Button size="sm" onClick={() => ask('answer')}>
            {t('cases.answer')}
          </Button>
        )}
        {c.mine && c.right === 'rectify' && c.state === 'refused' && !c.statement && (
          <Button size="sm" variant="light" onClick={() => ask('disagree')}>
            {t('cases.disagree')}
          </Button>
        )}
        {c.statement && <a href={`#/record/${c.statement}`}>{t('cases.statement')}</a>}
        <Button size="sm" variant="subtle" onClick={() => saveCase(words, c)}>
          {t('cases.save')}
        </Button>
      </div>
      {asking === 'answer' && <Answer of={c} again={again} onClose={() => ask(null)} />}
      {asking === 'disagree' && <Disagree of={c} again={again} onClose={() => ask(null)} />}
    </div>
  )
}

const recordsText = (words: Words, c: CaseView): string =>
  words.list(c.records.map(r => (r.title === null ? words.t('cases.gone') : titleText(r.title))))

function when(words: Words, c: CaseView): string {
  const { t } = words
  const due = t(c.stands === 'late' ? 'cases.overdue' : 'cases.due', { date: words.day(c.due) })
  return [t(`law.${c.law}`), t('cases.asked', { date: words.day(c.at) }), due].join(' · ')
}

/** What was asked and answered, in words and with dates to the second, for a letter to an authority. */
function saveCase(words: Words, c: CaseView): void {
  const { t } = words
  const iso = (unix: number): string => new Date(unix * 1000).toISOString()
  const lines = [
    `${c.name}: ${t(`right.${c.right}`)} (${t(`law.${c.law}`)})`,
    c.did,
    `${t('cases.asked', { date: iso(c.at) })}, ${t('cases.due', { date: iso(c.due) })}`,
    ...(c.records.length ? [t('cases.about', { records: recordsText(words, c) }), ...c.records.map(r => `  ${r.id}`)] : []),
    '',
    c.text,
    '',
    ...(c.answer
      ? [
          `${t('cases.answered', { date: iso(c.answeredAt ?? c.at) })}: ${t(`cases.${c.state === 'asked' ? 'waiting' : c.state}`)}`,
          c.answer,
        ]
      : []),
    ...(c.stands === 'late' ? [t('cases.late')] : []),
  ]
  const blob = new Blob([`${lines.join('\n')}\n`], { type: 'text/plain;charset=utf-8' })
  saveBlob(blob, t('cases.file', { date: iso(c.at).slice(0, 10) }))
}

type DialogProps = Again & { readonly of: CaseView; readonly onClose: () => void }

function Answer({ of: c, again, onClose }: DialogProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [outcome, setOutcome] = useState<AnswerRight['outcome']>('done')
  const [text, setText] = useState('')
  const answering = useDo(async () => {
    await api.answerRight({ id: c.id, outcome, text })
    await again()
    onClose()
  })
  const outcomes = (['done', 'refused', 'extended'] as const).filter(o => o !== 'extended' || c.state === 'asked')
  return (
    <FormDialog
      title={t('cases.answerTitle', { name: c.name })}
      cancel={t('app.cancel')}
      go={t('cases.answerGo')}
      busy={answering.busy}
      disabled={!text.trim()}
      error={answering.error}
      onClose={onClose}
      onGo={() => answering.run()}
    >
      <div className="kw-choices" role="radiogroup" aria-label={t('cases.answerTitle', { name: c.name })}>
        {outcomes.map(o => (
          <Choice
            key={o}
            name="outcome"
            title={t(`cases.outcome.${o}`)}
            note={t(`cases.outcomeNote.${o}`)}
            checked={outcome === o}
            onChange={() => setOutcome(o)}
          />
        ))}
      </div>
      <Textarea label={t('cases.answerText')} rows={4} maxLength={4000} value={text} onChange={e => setText(e.currentTarget.value)} />
    </FormDialog>
  )
}

function Disagree({ of: c, again, onClose }: DialogProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [text, setText] = useState('')
  const filing = useDo(async () => {
    await api.disagree({ id: c.id, text })
    await again()
    onClose()
  })
  return (
    <FormDialog
      title={t('cases.disagreeTitle')}
      cancel={t('app.cancel')}
      go={t('cases.disagreeGo')}
      busy={filing.busy}
      disabled={!text.trim()}
      error={filing.error}
      onClose={onClose}
      onGo={() => filing.run()}
    >
      <p className="kw-dim">{t('cases.disagreeNote')}</p>
      <Textarea
        data-autofocus
        label={t('cases.answerText')}
        rows={6}
        maxLength={4000}
        value={text}
        onChange={e => setText(e.currentTarget.value)}
      />
    </FormDialog>
  )
}
