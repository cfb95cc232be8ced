import { Button } from '@mantine/core'
import { useEffect } from 'react'
import { reopen, useGuard } from '#client/guard.ts'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'

/** What the guard of the app has to say, wherever the person is. */
export function GuardNotes() {
  const { t } = useWords()
  const { status } = useGuard()
  if (!status) return null
  if (status.offer)
    return (
      <Banner tone="bad" title={t('release.refusedTitle')} urgent>
        <p>{t('release.refused')}</p>
        <details>
          <summary>{t('release.details')}</summary>
          <p>{t(`release.why.${status.offer.why}`)}</p>
          <p className="kw-mono">{status.offer.detail}</p>
        </details>
      </Banner>
    )
  if (!status.ready) return null
  return (
    <Banner bar icon="shield">
      {t('release.ready')}
      <Button size="compact-sm" variant="default" onClick={reopen}>
        {t('release.reopen')}
      </Button>
    </Banner>
  )
}

/** The alarm: it takes the whole page, and a page put in its place has to ask first. */
export function Replaced({ onClose }: { readonly onClose: () => void }) {
  const { t } = useWords()
  useEffect(() => {
    const hold = (e: BeforeUnloadEvent): void => e.preventDefault()
    window.addEventListener('beforeunload', hold)
    return () => window.removeEventListener('beforeunload', hold)
  }, [])
  return (
    <main className="kw-main kw-stack kw-stack-wide">
      <h1>{t('release.replacedTitle')}</h1>
      <Banner tone="bad" urgent>
        <p>{t('release.replaced')}</p>
      </Banner>
      <p className="kw-lead">{t('release.replacedDo')}</p>
      <div>
        <Button variant="default" onClick={onClose}>
          {t('release.replacedClose')}
        </Button>
      </div>
    </main>
  )
}
