import { Button, NativeSelect } from '@mantine/core'
import { useRef } from 'react'
import { useVault } from '#client/context.tsx'
import { chooseTarget } from '#client/save-file.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { useJob } from '#client/use-job.ts'
import { Sign } from '#parts/icon.tsx'
import { Banner, Page, Panel, Tag, type Tone } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { saveBlob } from '#record/save.ts'
import type { BackedUp, CopyView, Doing, SafekeepingView, Tested } from '#rpc/own.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { Running } from './running.tsx'

const today = (): string => new Date().toISOString().slice(0, 10)

const REMINDERS = [7, 30, 90, 180, 0] as const

/** When the record was last kept safe, by which device and where; and the ways to do it now. */
export function Backups() {
  const { t } = useWords()
  const { api, me } = useVault()
  const { value, error, again } = useAsk(() => api.safekeeping(null), [], ['records', 'sharing'])
  return (
    <Page
      title={t('backups.title')}
      tab={t('settings.title')}
      lead={t('backups.lead')}
      back={{ href: '#/settings', label: t('settings.title') }}
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          <Alarms view={value} />
          <div className="kw-grid">
            <Panel title={t('backups.last')} icon="shield" wide>
              <Standing view={value} />
            </Panel>
            <Make again={again} />
            <Test again={again} />
            <Copies copies={value.copies} agreed={value.agreed} />
            <Panel title={t('backups.agent')} icon="clock" wide>
              <p className="kw-dim">{t('backups.agentNote')}</p>
              <code className="kw-mono kw-wrap">keepwell vault --backups FOLDER --cold FOLDER</code>
            </Panel>
            {!me.sample && <Remind days={value.remindDays} again={again} />}
          </div>
        </>
      )}
    </Page>
  )
}

function Alarms({ view: { made, due, drilled, copies } }: { readonly view: SafekeepingView }) {
  const words = useWords()
  const { t, n } = words
  const lost = Math.max(0, ...copies.map(c => c.lost))
  return (
    <>
      {due && made && (
        <Banner tone="warn" icon="clock">
          {t('backups.due', { date: words.day(made.at) })}
        </Banner>
      )}
      {drilled && drilled.missing > 0 && <Banner tone="bad">{n('backups.drillBad', drilled.missing)}</Banner>}
      {lost > 0 && <Banner tone="bad">{n('backups.lost', lost)}</Banner>}
      {(['silent', 'away', 'unmended'] as const).map(
        state =>
          copies.some(c => c.state === state) && (
            <Banner key={state} tone="warn">
              {t(`backups.${state}`)}
            </Banner>
          ),
      )}
    </>
  )
}

type By = { readonly at: number; readonly device: string | null; readonly here: boolean }

const byText = (words: Words, { at, device, here }: By): string =>
  words.t('backups.by', { time: words.time(at), device: here ? words.t('backups.here') : (device ?? words.t('backups.gone')) })

function Standing({ view: { records, made, tested, drilled } }: { readonly view: SafekeepingView }) {
  const words = useWords()
  const { t, n } = words
  // A backup is read back as it is made.
  const readLater = tested && (!made || tested.at > made.at) ? tested : null
  return (
    <dl className="kw-facts">
      <dt>{t('backups.made')}</dt>
      <dd>
        {made?.whole ? (
          <>
            <p>{byText(words, made)}</p>
            <p className="kw-dim kw-wrap">{made.place}</p>
            <p className="kw-dim">{n('backups.madeWhat', made.records, { size: words.bytes(made.size) })}</p>
            {records > made.records && <p>{n('backups.behind', records - made.records)}</p>}
          </>
        ) : made ? (
          words.time(made.at)
        ) : (
          t('backups.never')
        )}
      </dd>
      <dt>{t('backups.read')}</dt>
      <dd>
        {readLater ? (
          <>
            <p>{byText(words, readLater)}</p>
            <p className="kw-dim kw-wrap">{readLater.place}</p>
            <p className="kw-dim">{n('backups.readWhat', readLater.records, { date: words.day(readLater.of) })}</p>
          </>
        ) : (
          t(made ? 'backups.readMade' : 'backups.readNever')
        )}
      </dd>
      <dt>{t('backups.drilled')}</dt>
      <dd>
        {drilled ? (
          <>
            <p>{byText(words, drilled)}</p>
            <p className="kw-dim kw-wrap">{drilled.place}</p>
            {drilled.missing === 0 && (
              <p className="kw-dim">{n('backups.drillGood', drilled.records, { time: words.span(drilled.seconds, 'second') })}</p>
            )}
          </>
        ) : (
          t('backups.drillNever')
        )}
      </dd>
    </dl>
  )
}

function Make({ again }: { readonly again: () => Promise<void> }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const job = useJob<Doing, BackedUp>(async options => {
    const name = t('backups.file', { date: today() })
    const target = await chooseTarget(name)
    const written = await api.backUp({ target, name: target?.name ?? name }, options)
    if (written.blob) saveBlob(written.blob, name)
    await again()
    return written
  })
  return (
    <Panel title={t('backups.go')} icon="save">
      <div className="kw-stack">
        <p className="kw-dim">{t('own.backupNote')}</p>
        <Running job={job} />
        {job.result && (
          <Banner icon="check" urgent>
            {n('backups.done', job.result.records, { size: words.bytes(job.result.bytes), opened: job.result.opened })}
          </Banner>
        )}
        {job.state !== 'running' && (
          <div>
            <Button onClick={job.start}>{t('backups.go')}</Button>
          </div>
        )}
      </div>
    </Panel>
  )
}

function Test({ again }: { readonly again: () => Promise<void> }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const input = useRef<HTMLInputElement>(null)
  const chosen = useRef<File>(null)
  const job = useJob<Doing, Tested>(async options => {
    const tested = await api.testBackup({ file: chosen.current!, name: chosen.current!.name }, options)
    await again()
    return tested
  })
  return (
    <Panel title={t('backups.test')} icon="check">
      <div className="kw-stack">
        <p className="kw-dim">{t('backups.testNote')}</p>
        <Running job={job} />
        {job.result && (
          <Banner icon="check" urgent>
            <p>{n('backups.good', job.result.records, { date: words.day(job.result.of) })}</p>
            <p>{job.result.lacking ? n('backups.lacking', job.result.lacking) : t('backups.all')}</p>
          </Banner>
        )}
        {job.state !== 'running' && (
          <div>
            <Button variant="default" onClick={() => input.current?.click()}>
              {t('backups.test')}
            </Button>
          </div>
        )}
        <input
          ref={input}
          type="file"
          hidden
          aria-label={t('backups.test')}
          onChange={e => {
            chosen.current = e.currentTarget.files?.[0] ?? null
            e.currentTarget.value = ''
            if (chosen.current) job.start()
          }}
        />
      </div>
    </Panel>
  )
}

const TONES: Readonly<Record<CopyView['state'], Tone>> = { good: 'good', silent: 'warn', away: 'warn', unmended: 'warn', lost: 'bad' }

function Copies({ copies, agreed }: Pick<SafekeepingView, 'copies' | 'agreed'>) {
  const words = useWords()
  const { t, n } = words
  return (
    <Panel title={t('backups.copies')} icon="folder" wide>
      <p className="kw-dim">{t(copies.length ? 'backups.copiesNote' : 'backups.copiesNone')}</p>
      <ul className="kw-lines">
        {copies.map(c => (
          <li key={c.place}>
            <div className="kw-row kw-row-between">
              <RecordLine
                wrap
                glyph={<Sign name="folder" tone={c.state === 'good' ? 'good' : 'bad'} />}
                title={c.home ? t('backups.home') : c.place}
                sub={[
                  byText(words, c),
                  c.state !== 'away' && t('backups.asked', { asked: c.asked, of: c.of }),
                  c.repaired > 0 && n('backups.mended', c.repaired),
                  c.unmended > 0 && n('backups.left', c.unmended),
                ]
                  .filter(Boolean)
                  .join(' · ')}
              />
              <Tag tone={TONES[c.state]}>{t(`backups.state.${c.state}`)}</Tag>
            </div>
          </li>
        ))}
      </ul>
      {agreed.length > 0 && (
        <Banner tone="warn">
          <p>{t('backups.forEver', { place: agreed.map(a => a.place).join(', ') })}</p>
          <p className="kw-dim">{agreed.map(a => t('backups.agreed', { when: byText(words, a) })).join(' · ')}</p>
        </Banner>
      )}
    </Panel>
  )
}

function Remind({ days, again }: { readonly days: number; readonly again: () => Promise<void> }) {
  const { t, n } = useWords()
  const { api } = useVault()
  const setting = useDo(async (chosen: number) => {
    await api.remindOfBackup(chosen)
    await again()
  })
  const choices = [...new Set([...REMINDERS, days])]
  return (
    <Panel wide>
      <NativeSelect
        label={t('backups.remind')}
        value={String(days)}
        disabled={setting.busy}
        onChange={e => setting.run(Number(e.currentTarget.value))}
        data={choices.map(d => ({ value: String(d), label: d ? n('backups.days', d) : t('backups.off') }))}
      />
      {setting.error !== null && <Failed error={setting.error} />}
    </Panel>
  )
}
