import { Button } from '@mantine/core'
import { purposeName } from '#record/labels.ts'
import type { SessionView } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { clockText, leftText, useNow } from './time.ts'

const HOUR = 3600
const SOON = 300

/** The session's clock: since when, how long the share still holds, who reads and why, and the way out. */
export function Clock({ session, onEnd }: { readonly session: SessionView; readonly onEnd: () => void }) {
  const words = useWords()
  const { t } = words
  const now = useNow(1)
  const left = Math.max(0, session.share.until - now)
  const person = session.role ? `${session.person}, ${session.role}` : session.person
  return (
    <section className="kw-clock" aria-label={t('session.bar')}>
      <dl>
        <div>
          <dt>{t('session.since')}</dt>
          <dd className="kw-number">
            <span role="timer">{clockText(now - session.openedAt)}</span>
          </dd>
        </div>
        <div data-tone={left < SOON ? 'bad' : undefined}>
          <dt>{t('session.left')}</dt>
          <dd className="kw-number">
            <span role="timer">{left < HOUR ? clockText(left) : leftText(words, left)}</span>
          </dd>
        </div>
        <div>
          <dt>{t('session.reader')}</dt>
          <dd>{person}</dd>
        </div>
        <div>
          <dt>{t('session.purpose')}</dt>
          <dd>{purposeName(words, session.purpose)}</dd>
        </div>
      </dl>
      <Button size="sm" color="red" variant="light" onClick={onEnd}>
        {t('session.end')}
      </Button>
    </section>
  )
}
