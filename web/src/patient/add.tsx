import { Button, Progress } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { FileDrop, type Picked } from '#parts/file-drop.tsx'
import { Icon, type IconName } from '#parts/icon.tsx'
import { Banner, Page, Panel, Tag, type Tone } from '#parts/page.tsx'
import type { FileOutcome, IntakeProgress } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { errorText } from '#words/error.ts'
import { KINDS } from './type-in-fields.ts'

type Intake = {
  readonly names: readonly string[]
  readonly outcomes: ReadonlyMap<string, FileOutcome>
  readonly records: number
  readonly part: number | null
  readonly began: number
  /** Its name among the imports, once it ended. */
  readonly id: string | null
  readonly state: 'running' | 'done' | 'stopped' | 'failed'
  readonly error?: unknown
}

/** Files listed; of more, only those that need a look. */
const LISTED = 200

/** Takes files in and says what became of each. */
export function Add() {
  const { t } = useWords()
  const { api } = useVault()
  const [intake, setIntake] = useState<Intake | null>(null)
  const stop = useRef<AbortController | null>(null)
  // Leaving the screen stops it: what was acknowledged stays.
  useEffect(() => () => stop.current?.abort(), [])
  const take = (files: readonly Picked[]): void => {
    if (!files.length) return
    const control = new AbortController()
    stop.current = control
    setIntake({ names: files.map(f => f.name), outcomes: new Map(), records: 0, part: null, began: Date.now(), id: null, state: 'running' })
    const progress = (p: unknown): void => {
      const { records, part, files: changed } = p as IntakeProgress
      setIntake(i => i && { ...i, records, part, outcomes: new Map([...i.outcomes, ...changed.map(f => [f.file, f] as const)]) })
    }
    api.take(files, { signal: control.signal, progress }).then(
      ({ cancelled, records, id }) => setIntake(i => i && { ...i, records, id, state: cancelled ? 'stopped' : 'done' }),
      error => setIntake(i => i && { ...i, state: 'failed', error }),
    )
  }
  return (
    <Page title={t('add.title')} tab={t('nav.add')} lead={t('add.lead')}>
      {intake ? (
        <Progressing intake={intake} onStop={() => stop.current?.abort()} onMore={() => setIntake(null)} />
      ) : (
        <>
          <FileDrop title={t('add.drop')} note={t('add.dropNote')} files={t('add.files')} folder={t('add.folder')} onPick={take} />
          <OtherWays />
        </>
      )}
    </Page>
  )
}

type ProgressingProps = { readonly intake: Intake; readonly onStop: () => void; readonly onMore: () => void }

function Progressing({ intake, onStop, onMore }: ProgressingProps) {
  const words = useWords()
  const { t, n } = words
  const done = [...intake.outcomes.values()].filter(o => o.done).length
  const { state, records } = intake
  const waits = useWaiting(intake.outcomes)
  const waiting = [...waits.values()].reduce((sum, n) => sum + n, 0)
  return (
    <>
      <Panel>
        <div className="kw-stack" role="status">
          {state === 'running' ? (
            <>
              <p>
                <strong>{t('add.working')}</strong> {records > 0 && n('add.progress', records)}
              </p>
              <Progress value={100 * progressOf(intake, done)} animated striped size="lg" aria-label={t('add.working')} />
              <TimeLeft part={progressOf(intake, done)} began={intake.began} />
            </>
          ) : state === 'failed' ? (
            <Banner tone="bad" urgent>
              {t('add.failed', { why: errorText(words, intake.error) })}
            </Banner>
          ) : state === 'stopped' ? (
            <Banner tone="warn">{t('add.stopped')}</Banner>
          ) : (
            <Banner icon="check">{records ? n('add.done', records) : t('add.doneNothing')}</Banner>
          )}
          {waiting > 0 && <Banner icon="clock">{n('offline.added', waiting)}</Banner>}
        </div>
        <div className="kw-row kw-actions">
          {state === 'running' ? (
            <Button variant="default" onClick={onStop}>
              {t('add.stop')}
            </Button>
          ) : (
            <>
              <Button component="a" href="#/timeline">
                {t('add.see')}
              </Button>
              <Button variant="default" onClick={onMore}>
                {t('add.more')}
              </Button>
              {intake.id && records > 0 && (
                <Button variant="subtle" component="a" href={`#/add/history/${intake.id}`}>
                  {t('undo.button')}
                </Button>
              )}
            </>
          )}
        </div>
      </Panel>
      <Panel
        title={t('add.list')}
        side={<span className="kw-dim kw-number">{`${words.number(done)} / ${words.number(intake.names.length)}`}</span>}
      >
        <ul className="kw-lines">
          {listed(intake).map(name => (
            <li key={name}>
              <FileLine name={name} outcome={intake.outcomes.get(name)} waits={waits.get(name) ?? 0} running={state === 'running'} />
            </li>
          ))}
        </ul>
      </Panel>
    </>
  )
}

/** How many of each file still wait on this device: what waits is sent oldest first, so what is left is of the last ones. */
function useWaiting(outcomes: Intake['outcomes']): ReadonlyMap<string, number> {
  const { api } = useVault()
  const held = [...outcomes.values()].reduce((sum, o) => sum + (o.waiting ?? 0), 0)
  const { value } = useAsk(async () => ({ of: held, left: held && (await api.standing(null)).waiting }), [held], ['records'])
  // An answer about fewer says nothing of those that came since.
  let left = value?.of === held ? value.left : held
  const out = new Map<string, number>()
  for (const [name, { waiting = 0 }] of [...outcomes].reverse()) {
    out.set(name, Math.min(left, waiting))
    left -= Math.min(left, waiting)
  }
  return out
}

const progressOf = ({ part, names }: Intake, done: number): number => part ?? done / names.length

/** Said only once it can be known: after some seconds, and some part of the work. */
function TimeLeft({ part, began }: { readonly part: number; readonly began: number }) {
  const words = useWords()
  const seconds = (Date.now() - began) / 1000
  if (seconds < 5 || part < 0.02 || part >= 1) return null
  const left = (seconds / part) * (1 - part)
  const time = left < 90 ? words.span(Math.max(1, Math.round(left / 10)) * 10, 'second') : words.span(Math.round(left / 60), 'minute')
  return <p className="kw-dim kw-small">{words.t('add.left', { time })}</p>
}

function OtherWays() {
  const { t } = useWords()
  const tile = (href: string, icon: IconName, title: string) => (
    <li key={href}>
      <a className="kw-tile" href={href}>
        <Icon name={icon} size={24} />
        {title}
      </a>
    </li>
  )
  return (
    <>
      <section className="kw-stack kw-stack-tight">
        <h2>{t('type.titleAll')}</h2>
        <ul className="kw-tiles">
          {KINDS.map(({ kind, icon }) => tile(`#/add/${kind}`, icon, t(`type.${kind}`)))}
          {tile('#/add/photos', 'scan', t('add.photos'))}
          {tile('#/add/card', 'shield', t('add.card'))}
          {tile('#/add/hospital', 'visit', t('add.hospital'))}
        </ul>
      </section>
      <p>
        <a href="#/add/history">{t('add.history')}</a>
      </p>
    </>
  )
}

const needsLook = (o: FileOutcome | undefined): boolean => o !== undefined && o.withIssues + o.unreadable + o.failed > 0

function listed({ names, outcomes }: Intake): readonly string[] {
  if (names.length <= LISTED) return names
  return [...names.filter(name => needsLook(outcomes.get(name))), ...names.filter(name => !needsLook(outcomes.get(name)))].slice(0, LISTED)
}

const COUNTS: readonly (readonly [keyof FileOutcome & ('taken' | 'withIssues' | 'already' | 'unreadable' | 'failed'), Key, Tone])[] = [
  ['taken', 'add.taken', 'good'],
  ['withIssues', 'add.withIssues', 'warn'],
  ['already', 'add.already', 'plain'],
  ['unreadable', 'add.unreadable', 'warn'],
  ['failed', 'add.failedFile', 'bad'],
]

function FileLine({
  name,
  outcome,
  waits,
  running,
}: {
  readonly name: string
  readonly outcome: FileOutcome | undefined
  readonly waits: number
  readonly running: boolean
}) {
  const words = useWords()
  const { t, n } = words
  return (
    <div className="kw-stack kw-stack-tight">
      <div className="kw-row">
        <Icon name="paper" size={20} />
        <strong className="kw-file-name">{name}</strong>
      </div>
      <div className="kw-row kw-row-tags">
        {outcome ? (
          COUNTS.filter(([count]) => outcome[count] > 0).map(([count, key, tone]) => (
            <Tag key={count} tone={tone}>
              {n(key, outcome[count])}
            </Tag>
          ))
        ) : running ? (
          <Tag>{t('add.waiting')}</Tag>
        ) : null}
        {waits > 0 && <Tag>{`${words.number(waits)} ${t('offline.waiting')}`}</Tag>}
        {outcome && !outcome.done && running && <Tag tone="brand">{t('add.reading')}</Tag>}
      </div>
      {outcome?.why && <p className="kw-dim kw-small">{outcome.why}</p>}
    </div>
  )
}
