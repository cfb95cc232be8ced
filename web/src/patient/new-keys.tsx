import { Button, Checkbox } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { useJob } from '#client/use-job.ts'
import { Consequences } from '#parts/dialog.tsx'
import { JobProgress } from '#parts/job-progress.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { WordList, WordsCheck } from '#parts/recovery-words.tsx'
import { Failed } from '#parts/state.tsx'
import type { Rekeying } from '#rpc/devices.ts'
import { useWords } from '#words/context.tsx'

/** New keys and words after a loss: what it does, the work, the new words shown once, and checked. */
export function NewKeys() {
  const { t } = useWords()
  const { api } = useVault()
  const [step, setStep] = useState<'words' | 'check' | 'done'>('words')
  const job = useJob<Rekeying, readonly string[]>(options => api.rekey(null, options))
  const noting = useDo(async () => {
    await api.wordsNoted(null)
    setStep('done')
  })
  const back = { href: '#/settings/devices', label: t('devices.title') }
  const working = job.state === 'running' || (job.result && step !== 'done')
  const title = job.result && step !== 'done' ? t(step === 'words' ? 'keys.words' : 'keys.check') : t('keys.title')
  return (
    <Page
      key={title}
      title={title}
      tab={t('settings.title')}
      {...(working ? {} : { back })}
      lead={job.result || job.state === 'running' ? undefined : t('keys.lead')}
    >
      <Panel>
        {job.state === 'running' ? (
          <div className="kw-stack">
            <JobProgress
              text={t('keys.working')}
              detail={job.progress?.total ? t('own.progress', { done: job.progress.done, total: job.progress.total }) : ''}
              percent={job.progress?.total ? (100 * job.progress.done) / job.progress.total : null}
              stop={t('own.stop')}
            />
            <p className="kw-dim">{t('keys.wait')}</p>
          </div>
        ) : job.result && step === 'words' ? (
          <div className="kw-stack">
            <WordList words={job.result} onDone={() => setStep('check')} />
          </div>
        ) : job.result && step === 'check' ? (
          <WordsCheck
            words={job.result}
            title={null}
            go={t('keys.finish')}
            busy={noting.busy}
            failed={noting.error !== null && <Failed error={noting.error} />}
            onBack={() => setStep('words')}
            onRight={() => noting.run()}
          />
        ) : job.result ? (
          <div className="kw-stack">
            <Banner icon="check" title={t('keys.done')} urgent>
              {t('keys.doneNote')}
            </Banner>
            <div>
              <Button component="a" href="#/settings/devices">
                {t('app.close')}
              </Button>
            </div>
          </div>
        ) : (
          <Explain error={job.error} onGo={job.start} />
        )}
      </Panel>
    </Page>
  )
}

function Explain({ error, onGo }: { readonly error: unknown; readonly onGo: () => void }) {
  const { t } = useWords()
  const [paper, setPaper] = useState(false)
  return (
    <div className="kw-stack">
      <Consequences title={t('keys.will')} items={[t('keys.will1'), t('keys.will2'), t('keys.will3'), t('keys.will4')]} />
      <Consequences title={t('keys.not')} items={[t('keys.not1')]} />
      <Checkbox size="md" label={t('keys.paper')} checked={paper} onChange={e => setPaper(e.currentTarget.checked)} />
      {error !== null && <Failed error={error} />}
      <div>
        <Button onClick={onGo} disabled={!paper}>
          {t('keys.go')}
        </Button>
      </div>
    </div>
  )
}
