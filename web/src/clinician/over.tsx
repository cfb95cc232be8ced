import { Button } from '@mantine/core'
import { Banner, Page } from '#parts/page.tsx'
import type { SessionOver } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { clockText, IDLE_MINUTES } from './time.ts'

type OverProps = { readonly over: SessionOver; readonly canOpen: boolean; readonly onAgain: () => void }

/** Why a session ended, and what is left of it: nothing. */
export function Over({ over, canOpen, onAgain }: OverProps) {
  const { t, n } = useWords()
  const { name, why } = over
  const again = canOpen && (why === 'ended' || why === 'idle' || why === 'frozen')
  return (
    <Page title={t('over.title')} tab={t('desk.title')} back={{ href: '#/desk', label: t('desk.title') }}>
      <Banner urgent tone={again && why !== 'frozen' ? 'plain' : 'warn'} title={t(`over.${why}`, { name, minutes: IDLE_MINUTES })}>
        <p>
          <strong>{t('over.kept')}</strong> {over.opened ? n('over.keptNote', over.opened) : t('over.keptNone')}
        </p>
        <p className="kw-dim">
          {t('over.lasted', { time: clockText(over.seconds) })} {n('over.receipts', over.receipts, { name })}
        </p>
      </Banner>
      <div className="kw-row">
        <Button component="a" href="#/desk" variant="light">
          {t('over.list')}
        </Button>
        {again ? (
          <Button variant="default" onClick={onAgain}>
            {t('over.again')}
          </Button>
        ) : (
          <Button component="a" href="#/desk/ask" variant="default">
            {t('over.ask')}
          </Button>
        )}
      </div>
    </Page>
  )
}
