import { Button, Progress } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { FileDrop, type Picked } from '#parts/file-drop.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel, Tag, type Tone } from '#parts/page.tsx'
import type { FileOutcome, IntakeProgress } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { errorText } from '#words/error.ts'

type Intake = {
  readonly names: readonly string[]
  readonly outcomes: ReadonlyMap<string, FileOutcome>
  readonly records: number
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
    setIntake({ names: files.map(f => f.name), outcomes: new Map(), records: 0, state: 'running' })
    const progress = (p: unknown): void => {
      const { records, files: changed } = p as IntakeProgress
      setIntake(i => i && { ...i, records, outcomes: new Map([...i.outcomes, ...changed.map(f => [f.file, f] as const)]) })
    }
    api.take(files, { signal: control.signal, progress }).then(
      ({ cancelled, records }) => setIntake(i => i && { ...i, records, state: cancelled ? 'stopped' : 'done' }),
      error => setIntake(i => i && { ...i, state: 'failed', error }),
    )
  }
  return (
    <Page title={t('add.title')} tab={t('nav.add')} lead={t('add.lead')}>
      {intake ? (
        <Progressing intake={intake} onStop={() => stop.current?.abort()} onMore={() => setIntake(null)} />
      ) : (
        <FileDrop title={t('add.drop')} note={t('add.dropNote')} files={t('add.files')} folder={t('add.folder')} onPick={take} />
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
  return (
    <>
      <Panel>
        <div className="kw-stack" role="status">
          {state === 'running' ? (
            <>
              <p>
                <strong>{t('add.working')}</strong> {records > 0 && n('add.progress', records)}
              </p>
              <Progress value={(100 * done) / intake.names.length} animated striped size="lg" aria-label={t('add.working')} />
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
              <FileLine name={name} outcome={intake.outcomes.get(name)} running={state === 'running'} />
            </li>
          ))}
        </ul>
      </Panel>
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
  running,
}: {
  readonly name: string
  readonly outcome: FileOutcome | undefined
  readonly running: boolean
}) {
  const { t, n } = useWords()
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
        {outcome && !outcome.done && running && <Tag tone="brand">{t('add.reading')}</Tag>}
      </div>
      {outcome?.why && <p className="kw-dim kw-small">{outcome.why}</p>}
    </div>
  )
}
