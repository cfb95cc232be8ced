import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { chooseTarget } from '#client/save-file.ts'
import { useAsk } from '#client/use-ask.ts'
import { type Job, useJob } from '#client/use-job.ts'
import { JobProgress } from '#parts/job-progress.tsx'
import { LinkPanel } from '#parts/link-panel.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { saveBlob } from '#record/save.ts'
import type { BackedUp, Doing, Written } from '#rpc/own.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

const today = (): string => new Date().toISOString().slice(0, 10)

/** Taking everything out, keeping a sealed copy, and the way to end it. */
export function OwnData() {
  const { t } = useWords()
  const { me } = useVault()
  return (
    <Page title={t('own.title')} tab={t('settings.title')} lead={t('own.lead')} back={{ href: '#/settings', label: t('settings.title') }}>
      <div className="kw-grid">
        <Export />
        <Backup />
        <LinkPanel title={t('rights.title')} icon="shield" text={t('rights.lead')} href="#/rights" go={t('rights.go')} wide />
        {!me.sample && (
          <LinkPanel title={t('own.erase')} icon="trash" text={t('own.eraseNote')} href="#/settings/erase" go={t('own.eraseGo')} wide />
        )}
      </div>
    </Page>
  )
}

function Export() {
  const words = useWords()
  const { t, n } = words
  const { api, me } = useVault()
  const job = useJob<Doing, Written>(async options => {
    const name = t('own.fileExport', { date: today() })
    const target = await chooseTarget(name)
    const readme = t('own.readme', { name: me.name, date: words.day(Date.now() / 1000) })
    const written = await api.exportAll({ target, readme }, options)
    if (written.blob) saveBlob(written.blob, name)
    return written
  })
  return (
    <Panel title={t('own.export')} icon="save">
      <div className="kw-stack">
        <p className="kw-dim">{t('own.exportNote')}</p>
        <Running job={job} />
        {job.result && (
          <Banner icon="check" urgent>
            {n('own.exportDone', job.result.records, { size: words.bytes(job.result.bytes) })}
          </Banner>
        )}
        {job.state !== 'running' && (
          <div>
            <Button onClick={job.start}>{t('own.exportGo')}</Button>
          </div>
        )}
      </div>
    </Panel>
  )
}

function Backup() {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const safety = useAsk(() => api.safety(null), [])
  const job = useJob<Doing, BackedUp>(async options => {
    const name = t('own.fileBackup', { date: today() })
    const target = await chooseTarget(name)
    const written = await api.backUp(target, options)
    if (written.blob) saveBlob(written.blob, name)
    safety.again()
    return written
  })
  const last = safety.value?.backupAt
  return (
    <Panel title={t('own.backup')} icon="shield">
      <div className="kw-stack">
        <p className="kw-dim">{t('own.backupNote')}</p>
        {safety.value && <p>{last ? t('own.backupAt', { date: words.day(last) }) : t('own.backupNever')}</p>}
        <Running job={job} />
        {job.result && (
          <Banner icon="check" urgent>
            {n('own.backupDone', job.result.records, { size: words.bytes(job.result.bytes), opened: job.result.opened })}
          </Banner>
        )}
        {job.state !== 'running' && (
          <div>
            <Button variant="light" onClick={job.start}>
              {t('own.backupGo')}
            </Button>
          </div>
        )}
      </div>
    </Panel>
  )
}

const detailOf = (words: Words, p: Doing | null): string => {
  if (!p) return ''
  if (p.phase === 'checking') return `${words.bytes(p.bytes)}`
  const counted = p.total ? words.t('own.progress', { done: p.done, total: p.total }) : ''
  return [counted, p.bytes ? words.bytes(p.bytes) : ''].filter(Boolean).join(' · ')
}

type RunningProps = {
  readonly job: Job<Doing, unknown>
  /** Bytes there will be, where that is known. */
  readonly size?: number
}

/** Taking out as it goes on, or how it ended when it did not end well. */
export function Running({ job, size }: RunningProps) {
  const words = useWords()
  const { t } = words
  const { state, progress: p, error, stop } = job
  if (state === 'failed') return <Failed error={error} />
  if (state === 'stopped') return <Banner icon="info">{t('own.stopped')}</Banner>
  if (state !== 'running') return null
  return (
    <JobProgress
      text={t(`own.${p?.phase ?? 'writing'}`)}
      detail={detailOf(words, p)}
      percent={p?.total ? (100 * p.done) / p.total : size && p ? (100 * p.bytes) / size : null}
      stop={t('own.stop')}
      onStop={stop}
    />
  )
}

/** New keys were made and their words never checked: whoever left in between has no words that open anything. */
function NoWords() {
  const { t } = useWords()
  return (
    <Banner tone="warn" title={t('safe.wordsTitle')}>
      <p>{t('safe.wordsNote')}</p>
      <div className="kw-actions">
        <Button component="a" href="#/settings/keys" size="sm">
          {t('keys.go')}
        </Button>
      </div>
    </Banner>
  )
}

function GuardiansOwed({ owed, onLater }: { readonly owed: 'choose' | 'again'; readonly onLater?: () => void }) {
  const { t } = useWords()
  return (
    <Banner {...(owed === 'again' ? { tone: 'warn' as const } : { icon: 'key' as const })} title={t(`safe.guardians.${owed}`)}>
      <p>{t(`safe.guardiansNote.${owed}`)}</p>
      <div className="kw-row kw-actions">
        <Button component="a" href="#/guardians" size="sm" variant="default">
          {t('safe.guardiansGo')}
        </Button>
        {onLater && (
          <Button size="sm" variant="subtle" onClick={onLater}>
            {t('safe.later')}
          </Button>
        )}
      </div>
    </Banner>
  )
}

/** Said gently where a record opens on one device alone and there is no backup of it. */
export function KeepSafe({ hidden, onLater }: { readonly hidden: boolean; readonly onLater: () => void }) {
  const { t } = useWords()
  const { api, me } = useVault()
  const { value } = useAsk(() => api.safety(null), [], ['records', 'guardians'])
  if (value && !value.wordsChecked) return <NoWords />
  if (me.sample || !value) return null
  // Not put off: whoever had the old keys has the shares.
  if (value.guardians === 'again') return <GuardiansOwed owed="again" />
  if (hidden || value.records === 0) return null
  if (value.devices > 1 || value.backupAt) return value.guardians === 'choose' ? <GuardiansOwed owed="choose" onLater={onLater} /> : null
  return (
    <Banner icon="shield" title={t('safe.title')}>
      <p>{t('safe.note')}</p>
      <div className="kw-row kw-actions">
        <Button component="a" href="#/add-device" size="sm" variant="default">
          {t('safe.device')}
        </Button>
        <Button component="a" href="#/settings/data" size="sm" variant="default">
          {t('safe.backup')}
        </Button>
        <Button size="sm" variant="subtle" onClick={onLater}>
          {t('safe.later')}
        </Button>
      </div>
    </Banner>
  )
}
