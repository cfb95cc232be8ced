import { Button } from '@mantine/core'
import { useState } from 'react'
import { askGuard, useGuard } from '#client/guard.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm } from '#parts/dialog.tsx'
import { Banner, Panel, Tag } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

/** In blocks of four, so that it can be read aloud and compared. */
const spoken = (hex: string): string => hex.match(/.{1,4}/g)?.join(' ') ?? hex

/** The app itself: which one it is, who signed it, and whether what is served is still that. */
export function AppPanel() {
  const words = useWords()
  const { t } = words
  const { status } = useGuard()
  const [checked, setChecked] = useState(false)
  const [asking, setAsking] = useState(false)
  const checking = useDo(async () => {
    await askGuard({ kind: 'audit' })
    setChecked(true)
  })
  const trusting = useDo(async (key: string) => {
    await askGuard({ kind: 'trust', key })
    setAsking(false)
  })
  const offer = status?.offer
  return (
    <Panel title={t('release.title')} icon="shield" wide>
      <p className="kw-lead">{t('release.about')}</p>
      {!status && <p className="kw-dim">{t('release.none')}</p>}
      {status && (
        <>
          <dl className="kw-facts kw-facts-below">
            <dt>{t('release.version')}</dt>
            <dd>
              {status.version} ({status.number})
            </dd>
            <dt>{t('release.key')}</dt>
            <dd className="kw-mono">{spoken(status.key)}</dd>
            <dt>{t('release.state')}</dt>
            <dd>
              <Tag tone={offer ? 'bad' : 'good'}>{offer ? t('release.bad') : t('release.good')}</Tag>
            </dd>
          </dl>
          <div className="kw-row kw-actions">
            <Button variant="default" onClick={() => checking.run()} loading={checking.busy}>
              {t('release.check')}
            </Button>
            {offer?.why === 'other-key' && (
              <Button variant="default" onClick={() => setAsking(true)}>
                {t('release.trust')}
              </Button>
            )}
          </div>
          {checking.error !== null && <Failed error={checking.error} />}
          <p role="status">{checked && !checking.busy && !offer ? (status.reached ? t('release.checked') : t('release.unreached')) : ''}</p>
        </>
      )}
      {offer?.why === 'other-key' && (
        <Confirm
          open={asking}
          title={t('release.trustTitle')}
          cancel={t('app.cancel')}
          go={t('release.trustGo')}
          busy={trusting.busy}
          error={trusting.error === null ? null : errorText(words, trusting.error)}
          onClose={() => setAsking(false)}
          onGo={() => trusting.run(offer.detail)}
        >
          <Banner tone="warn">{t('release.trustNote')}</Banner>
          <p className="kw-mono">{spoken(offer.detail)}</p>
        </Confirm>
      )}
    </Panel>
  )
}
