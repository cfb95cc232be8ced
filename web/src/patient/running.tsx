import type { Job } from '#client/use-job.ts'
import { JobProgress } from '#parts/job-progress.tsx'
import { Banner } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { Doing } from '#rpc/own.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

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
