import { Button, PasswordInput } from '@mantine/core'
import { type FormEvent, useEffect, useState } from 'react'
import { askAnyPasskey } from '#client/passkey.ts'
import { useDo } from '#client/use-do.ts'
import { Banner } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { firstProtection, Protect, protectionProblem, unlockOf } from '#patient/protect.tsx'
import type { Pleading } from '#rpc/guardians.ts'
import type { Client } from '#rpc/rpc.ts'
import type { Me, VaultCard } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { VaultApi } from '#worker/api.ts'
import { StepTitle } from './frame.tsx'
import { LostWait } from './lost-wait.tsx'
import { deviceName } from './preferences.ts'

export type LostProps = { readonly api: Client<VaultApi>; readonly onBack: () => void; readonly onOpen: (me: Me) => void }

/** Whoever lost phone and words comes back in with the guardians’ help. It takes days; what was begun is kept here under its lock. */
export function Lost({ api, onBack, onOpen }: LostProps) {
  const { t } = useWords()
  const [begun, setBegun] = useState<readonly VaultCard[] | null>(null)
  const [state, setState] = useState<Pleading | null>(null)
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    api.pleas(null).then(setBegun, setError)
  }, [api])
  const back = (
    <div>
      <Button variant="subtle" onClick={onBack}>
        {t('app.back')}
      </Button>
    </div>
  )
  if (state) return <LostWait api={api} first={state} onBack={onBack} onOpen={onOpen} />
  if (error) return <Failed error={error} />
  if (!begun) return <Waiting />
  const [kept] = begun
  return (
    <>
      {kept ? <GoOn api={api} card={kept} onState={setState} /> : <Start api={api} onState={setState} />}
      {back}
    </>
  )
}

type StepProps = Pick<LostProps, 'api'> & { readonly onState: (p: Pleading) => void }

function Start({ api, onState }: StepProps) {
  const words = useWords()
  const { t } = words
  const [protection, setProtection] = useState(firstProtection)
  const [tried, setTried] = useState(false)
  const problem = protectionProblem(words, protection)
  const beginning = useDo(async () => {
    const device = deviceName(navigator.userAgent)
    onState(await api.beginPlea({ device, unlock: await unlockOf(protection, t('lost.passkeyName')) }))
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (!problem) beginning.run()
  }
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit} noValidate>
      <StepTitle>{t('lost.title')}</StepTitle>
      <p className="kw-lead">{t('lost.lead')}</p>
      <ol className="kw-bullets">
        {(['lost.step1', 'lost.step2', 'lost.step3', 'lost.step4'] as const).map(key => (
          <li key={key}>{t(key)}</li>
        ))}
      </ol>
      <Banner icon="info">{t('lost.where', { place: location.host })}</Banner>
      <Protect value={protection} onChange={setProtection} problem={tried ? problem : null} />
      {beginning.error !== null && <Failed error={beginning.error} />}
      <Button type="submit" size="lg" loading={beginning.busy}>
        {t('lost.start')}
      </Button>
    </form>
  )
}

/** What was begun before is under the lock that was chosen then. */
function GoOn({ api, card, onState }: StepProps & { readonly card: VaultCard }) {
  const { t } = useWords()
  const [passphrase, setPassphrase] = useState('')
  const byPassphrase = card.locks.some(l => l.kind === 'passphrase')
  const opening = useDo(async () => {
    const unlock = byPassphrase ? ({ kind: 'passphrase', passphrase } as const) : await askAnyPasskey(card.locks)
    onState(await api.openPlea({ did: card.did, unlock }))
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    opening.run()
  }
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit}>
      <StepTitle>{t('lost.goOnTitle')}</StepTitle>
      <p className="kw-lead">{t('lost.goOnLead')}</p>
      {byPassphrase && (
        <PasswordInput
          label={t('begin.passphraseLabel')}
          autoComplete="current-password"
          value={passphrase}
          onChange={e => setPassphrase(e.currentTarget.value)}
        />
      )}
      {opening.error !== null && <Failed error={opening.error} />}
      <Button type="submit" size="lg" loading={opening.busy}>
        {t(byPassphrase ? 'lost.goOn' : 'lock.passkey')}
      </Button>
    </form>
  )
}
