import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { chooseTarget } from '#client/save-file.ts'
import { useJob } from '#client/use-job.ts'
import { LinkPanel } from '#parts/link-panel.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { saveBlob } from '#record/save.ts'
import type { Doing, Written } from '#rpc/own.ts'
import { useWords } from '#words/context.tsx'
import { Running } from './running.tsx'

const today = (): string => new Date().toISOString().slice(0, 10)

/** Taking everything out, keeping a sealed copy, and the way to end it. */
export function OwnData() {
  const { t } = useWords()
  const { me } = useVault()
  return (
    <Page title={t('own.title')} tab={t('settings.title')} lead={t('own.lead')} back={{ href: '#/settings', label: t('settings.title') }}>
      <div className="kw-grid">
        <Export />
        <LinkPanel title={t('backups.title')} icon="shield" text={t('own.backupNote')} href="#/settings/backups" go={t('own.backupsGo')} />
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
