import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { useJob } from '#client/use-job.ts'
import { JobProgress } from '#parts/job-progress.tsx'
import { WordList, WordsCheck } from '#parts/recovery-words.tsx'
import { Failed } from '#parts/state.tsx'
import type { Rekeying } from '#rpc/devices.ts'
import { useWords } from '#words/context.tsx'
import { StepTitle } from './frame.tsx'
import type { LostProps } from './lost.tsx'

/** After the time lock: everything under new keys, the new words shown and checked, and the record is open. */
export function LostFinish({ api, onOpen, onBack }: LostProps) {
  const { t } = useWords()
  const [checking, setChecking] = useState(false)
  const job = useJob<Rekeying, readonly string[]>(options => api.finishRecovery(null, options))
  const entering = useDo(async () => {
    const me = await api.enterRecovered(null)
    await api.wordsNoted(null)
    location.hash = '#/'
    onOpen(me)
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is begun with this screen, once
  useEffect(() => job.start(), [])
  if (job.result && checking)
    return (
      <WordsCheck
        words={job.result}
        title={<StepTitle>{t('keys.check')}</StepTitle>}
        go={t('begin.checkDone')}
        busy={entering.busy}
        failed={entering.error !== null && <Failed error={entering.error} />}
        onBack={() => setChecking(false)}
        onRight={() => entering.run()}
      />
    )
  if (job.result)
    return (
      <div className="kw-stack kw-stack-wide">
        <StepTitle>{t('lost.words')}</StepTitle>
        <WordList words={job.result} onDone={() => setChecking(true)} />
      </div>
    )
  return (
    <div className="kw-stack kw-stack-wide">
      <StepTitle>{t('lost.finishing')}</StepTitle>
      {job.state === 'failed' ? (
        <>
          <Failed error={job.error} onRetry={job.start} />
          <div>
            <Button variant="subtle" onClick={onBack}>
              {t('app.back')}
            </Button>
          </div>
        </>
      ) : (
        <>
          <JobProgress
            text={t('keys.working')}
            detail={job.progress?.total ? t('own.progress', { done: job.progress.done, total: job.progress.total }) : ''}
            percent={job.progress?.total ? (100 * job.progress.done) / job.progress.total : null}
            stop={t('own.stop')}
          />
          <p className="kw-dim">{t('keys.wait')}</p>
        </>
      )}
    </div>
  )
}
