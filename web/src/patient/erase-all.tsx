import { Button, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useJob } from '#client/use-job.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { JobProgress } from '#parts/job-progress.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { saveBlob } from '#record/save.ts'
import type { Doing, Ended } from '#rpc/own.ts'
import { useWords } from '#words/context.tsx'

/** Ends the record: what will happen, the name typed, one last question, and the receipts. */
export function EraseAll() {
  const { t } = useWords()
  const { api, me } = useVault()
  const job = useJob<Doing, Ended>(options => api.eraseAll(null, options))
  return (
    <Page
      title={t('erase.title')}
      tab={t('settings.title')}
      lead={job.result ? undefined : t('erase.lead', { name: me.name })}
      {...(job.state === 'idle' || job.state === 'failed' ? { back: { href: '#/settings/data', label: t('own.title') } } : {})}
    >
      {job.result ? (
        <Done ended={job.result} />
      ) : job.state === 'running' ? (
        <Panel>
          <JobProgress
            text={t('own.erasing')}
            detail={job.progress?.total ? t('own.progress', { done: job.progress.done, total: job.progress.total }) : ''}
            percent={job.progress?.total ? (100 * job.progress.done) / job.progress.total : null}
            stop={t('own.stop')}
          />
        </Panel>
      ) : (
        <Ask error={job.error} onGo={job.start} />
      )}
    </Page>
  )
}

function Ask({ error, onGo }: { readonly error: unknown; readonly onGo: () => void }) {
  const { t, n } = useWords()
  const { api, me } = useVault()
  const safety = useAsk(() => api.safety(null), [])
  const [typed, setTyped] = useState('')
  const [asking, setAsking] = useState(false)
  const same = typed.trim().toLocaleLowerCase() === me.name.trim().toLocaleLowerCase()
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (same) setAsking(true)
  }
  return (
    <Panel>
      <form className="kw-stack" onSubmit={submit}>
        <Consequences
          title={t('erase.will')}
          items={[n('erase.will1', safety.value?.records ?? 0), t('erase.will2'), t('erase.will3'), t('erase.will4')]}
        />
        <Consequences title={t('erase.not')} items={[t('erase.not1'), t('erase.not2'), t('erase.not3'), t('erase.not4')]} />
        <div>
          <Button component="a" href="#/settings/data" variant="light">
            {t('erase.first')}
          </Button>
        </div>
        <div className="kw-form">
          <TextInput
            label={t('erase.type', { name: me.name })}
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={e => setTyped(e.currentTarget.value)}
          />
        </div>
        {error !== null && <Failed error={error} />}
        <div>
          <Button type="submit" color="red" disabled={!same}>
            {t('erase.go')}
          </Button>
        </div>
      </form>
      <Confirm
        open={asking}
        title={t('erase.sure')}
        cancel={t('erase.keep')}
        go={t('erase.go')}
        busy={false}
        error={null}
        onClose={() => setAsking(false)}
        onGo={() => {
          setAsking(false)
          onGo()
        }}
      >
        <p>{t('erase.not1')}</p>
      </Confirm>
    </Panel>
  )
}

function Done({ ended }: { readonly ended: Ended }) {
  const words = useWords()
  const { t, n } = words
  const { lock } = useVault()
  const leave = (): void => {
    location.hash = '#/'
    lock()
  }
  const save = (): void => saveBlob(ended.receipts, t('own.fileReceipts', { date: new Date(ended.at * 1000).toISOString().slice(0, 10) }))
  return (
    <Panel>
      <div className="kw-stack">
        <Banner icon="check" title={t('erase.done')} urgent>
          {n('erase.doneNote', ended.records, { time: words.time(ended.at) })}
        </Banner>
        {ended.unreached.length > 0 && <Banner tone="warn">{t('erase.unreached', { names: words.list(ended.unreached) })}</Banner>}
        <p className="kw-lead">{t('erase.promise')}</p>
        <div className="kw-row">
          <Button onClick={save}>{t('erase.save')}</Button>
          <Button variant="default" onClick={leave}>
            {t('erase.close')}
          </Button>
        </div>
      </div>
    </Panel>
  )
}
