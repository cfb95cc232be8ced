import { Button } from '@mantine/core'
import { useState } from 'react'
import { Icon } from '#parts/icon.tsx'
import { Banner } from '#parts/page.tsx'
import { QrScanner } from '#parts/qr-scanner.tsx'
import { useWords } from '#words/context.tsx'

const hasCamera = (): boolean => window.isSecureContext && 'mediaDevices' in navigator

type CameraProps = {
  /** Whether what was read is what is looked for; then the camera stops. */
  readonly accept: (text: string) => boolean
  readonly onText: (text: string) => void
}

/** The camera, until a code that is wanted is before it. */
export function Camera({ accept, onText }: CameraProps) {
  const { t } = useWords()
  const [state, setState] = useState<'off' | 'on' | 'failed'>('off')
  const seen = (text: string): boolean => {
    if (!accept(text)) return false
    setState('off')
    onText(text)
    return true
  }
  if (!hasCamera()) return null
  if (state === 'failed') return <Banner icon="scan">{t('sharing.noCamera')}</Banner>
  if (state === 'off')
    return (
      <Button size="lg" leftSection={<Icon name="scan" size={20} />} onClick={() => setState('on')}>
        {t('admit.scan')}
      </Button>
    )
  return (
    <div className="kw-stack">
      <p role="status">{t('admit.scanning')}</p>
      <QrScanner label={t('admit.picture')} onText={seen} onFailed={() => setState('failed')} />
      <div>
        <Button variant="default" onClick={() => setState('off')}>
          {t('admit.stop')}
        </Button>
      </div>
    </div>
  )
}
