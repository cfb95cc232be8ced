import { Button } from '@mantine/core'
import type { Job } from '#client/use-job.ts'
import { JobProgress } from '#parts/job-progress.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { kindName } from '#record/labels.ts'
import type { MissingView, PulledView, PullProgress } from '#rpc/hospitals.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

type PullingProps = { readonly name: string; readonly job: Job<PullProgress, PulledView>; readonly onAgain: () => void }

/** What is being fetched, and what came of it. */
export function Pulling({ name, job, onAgain }: PullingProps) {
  const words = useWords()
  const { t, n } = words
  const { state, progress, result, error } = job
  if (state === 'idle') return null
  if (state === 'running') {
    const detail = progress ? t('hospital.now', { type: kindName(words, progress.type), filed: n('hospital.filed', progress.filed) }) : ''
    return (
      <Panel>
        <div className="kw-stack">
          <JobProgress text={t('hospital.pulling', { name })} detail={detail} percent={null} stop={t('hospital.stop')} onStop={job.stop} />
          <p className="kw-dim">{t('hospital.stay')}</p>
        </div>
      </Panel>
    )
  }
  return (
    <Panel>
      <div className="kw-stack">
        {state === 'stopped' ? (
          <Banner tone="warn" urgent>
            {t('hospital.stopped')}
          </Banner>
        ) : state === 'failed' || !result ? (
          <Failed error={error} />
        ) : (
          <Outcome name={name} pulled={result} />
        )}
        <div className="kw-row">
          {state === 'done' && result?.stopped === null ? (
            <Button component="a" href="#/timeline">
              {t('add.see')}
            </Button>
          ) : (
            <Button onClick={onAgain}>{t('hospital.pull')}</Button>
          )}
        </div>
      </div>
    </Panel>
  )
}

function Outcome({ name, pulled }: { readonly name: string; readonly pulled: PulledView }) {
  const words = useWords()
  const { t, n } = words
  const { fresh, changed, already, filed, stopped, closed, missing, whose } = pulled
  const counts = [
    fresh + changed === 0 && stopped === null && t('hospital.nothing'),
    fresh > 0 && n('hospital.new', fresh),
    changed > 0 && n('hospital.changed', changed),
    already > 0 && n('hospital.unchanged', already),
  ].filter(text => text !== false)
  return (
    <>
      {counts.length > 0 && (
        <Banner icon="check" urgent>
          {t('hospital.done', { name, counts: words.list(counts) })}
          {whose && ` ${t('hospital.whose', { name: whose })}`}
        </Banner>
      )}
      {filed.length > 0 && <p className="kw-dim">{kindsText(words, filed)}</p>}
      {closed ? (
        <Banner tone="warn" urgent>
          {t('hospital.closed')}
        </Banner>
      ) : (
        stopped !== null && (
          <Banner tone="warn" urgent>
            {t('hospital.unfinished', { why: words.maybe(`hospital.why.${stopped}`, stopped) })}
          </Banner>
        )
      )}
      <Missing missing={missing} />
    </>
  )
}

/** What came by kind; what has one name for people is one kind. */
function kindsText(words: Words, filed: PulledView['filed']): string {
  const kinds = Map.groupBy(filed, ({ type }) => kindName(words, type))
  return [...kinds].map(([name, all]) => `${name} ${words.number(all.reduce((n, f) => n + f.count, 0))}`).join(' · ')
}

/** What is missing: one line for each reason, with the types it is about. */
export function Missing({ missing }: { readonly missing: readonly MissingView[] }) {
  const words = useWords()
  const { t } = words
  if (!missing.length) return <p className="kw-dim">{t('hospital.none')}</p>
  const byWhy = Map.groupBy(missing, m => whyText(words, m))
  return (
    <details className="kw-more">
      <summary>{t('hospital.missing')}</summary>
      <ul className="kw-bullets">
        {[...byWhy].map(([why, all]) => (
          <li key={why}>
            <strong>{all.map(m => kindName(words, m.type)).join(', ')}</strong>: {why}
          </li>
        ))}
      </ul>
    </details>
  )
}

function whyText(words: Words, { reason, count, how }: MissingView): string {
  const why = words.maybe(`hospital.why.${reason}`, reason)
  return `${count === null ? '' : `${words.number(count)}: `}${why}${how ? ` (${how})` : ''}`
}
