import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm } from '#parts/dialog.tsx'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

/** While somebody takes the record over with the guardians’ votes: said on every screen of every device, with the one way to stop it. */
export function RecoveryNote() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [asking, setAsking] = useState(false)
  const { value, again } = useAsk(() => api.recoveryRound(null), [], ['looked', 'clock'])
  const stopping = useDo(async () => {
    await api.cancelRecovery(null)
    await again()
    setAsking(false)
  })
  if (!value) return null
  return (
    <Banner bar urgent tone="bad" icon="alert">
      {t(value.final ? 'recovery.final' : 'recovery.running', { time: words.time(value.readyAt) })}{' '}
      {!value.final && (
        <Button size="sm" color="red" onClick={() => setAsking(true)}>
          {t('recovery.stop')}
        </Button>
      )}
      <Confirm
        open={asking}
        title={t('recovery.stopTitle')}
        cancel={t('recovery.keep')}
        go={t('recovery.stop')}
        busy={stopping.busy}
        error={stopping.error === null ? null : errorText(words, stopping.error)}
        onClose={() => setAsking(false)}
        onGo={() => stopping.run()}
      >
        <p>{t('recovery.stopNote')}</p>
      </Confirm>
    </Banner>
  )
}
