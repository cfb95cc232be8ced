import { Button } from '@mantine/core'
import { type FormEvent, useEffect, useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Digits } from '#parts/digits.tsx'
import { Banner } from '#parts/page.tsx'
import { QrCode } from '#parts/qr-code.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { firstProtection, Protect, protectionProblem, unlockOf } from '#patient/protect.tsx'
import type { LetIn, Waiting as Offer } from '#rpc/devices.ts'
import type { Client } from '#rpc/rpc.ts'
import type { Me } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { VaultApi } from '#worker/api.ts'
import { StepTitle } from './frame.tsx'
import { deviceName } from './preferences.ts'

type JoinProps = { readonly api: Client<VaultApi>; readonly onBack: () => void; readonly onOpen: (me: Me) => void }

/** A new device: it shows a code, waits to be let in, and then chooses a lock of its own. */
export function JoinDevice({ api, onBack, onOpen }: JoinProps) {
  const [letIn, setLetIn] = useState<LetIn | null>(null)
  return letIn ? <ChooseLock api={api} letIn={letIn} onOpen={onOpen} /> : <ShowCode api={api} onBack={onBack} onLetIn={setLetIn} />
}

const isExpired = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'INVITATION_USED'

type Shown = { readonly offer: Offer | null; readonly error: unknown }
const NOTHING: Shown = { offer: null, error: null }

/** One code after another: `turn` asks for the next. Leaving this step withdraws the code. */
function useOffer(api: Client<VaultApi>, onLetIn: (l: LetIn) => void) {
  const [turn, setTurn] = useState(0)
  const [shown, setShown] = useState(NOTHING)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is a new code
  useEffect(() => {
    const leave = new AbortController()
    const wait = async (): Promise<void> => {
      const offer = await api.offer(deviceName(navigator.userAgent))
      if (leave.signal.aborted) return
      setShown({ offer, error: null })
      onLetIn(await api.letIn(null, { signal: leave.signal }))
    }
    setShown(NOTHING)
    wait().catch(error => {
      if (!leave.signal.aborted) setShown({ offer: null, error })
    })
    return () => leave.abort()
  }, [api, turn])
  return { ...shown, again: () => setTurn(n => n + 1) }
}

function ShowCode({ api, onBack, onLetIn }: Omit<JoinProps, 'onOpen'> & { readonly onLetIn: (l: LetIn) => void }) {
  const words = useWords()
  const { t } = words
  const { offer, error, again } = useOffer(api, onLetIn)
  const link = offer ? `${location.origin}/#/add-device/${offer.link.slice(offer.link.indexOf('#') + 1)}` : ''
  return (
    <div className="kw-stack kw-stack-wide">
      <StepTitle>{t('joining.title')}</StepTitle>
      <p className="kw-lead">{t('joining.lead')}</p>
      {isExpired(error) ? (
        <>
          <Banner tone="warn" icon="clock" title={t('joining.expired')} urgent>
            {t('joining.expiredNote')}
          </Banner>
          <Button onClick={again}>{t('joining.again')}</Button>
        </>
      ) : error ? (
        <Failed error={error} onRetry={again} />
      ) : !offer ? (
        <Waiting />
      ) : (
        <div className="kw-stack">
          <QrCode text={link} label={t('joining.qr')} />
          <h2>{t('joining.digits')}</h2>
          <Digits text={offer.digits} label={t('joining.digits')} />
          <p className="kw-dim">{t('joining.digitsNote')}</p>
          <div className="kw-row">
            <span className="kw-dim">{t('joining.link')}</span>
            <CopyButton text={link} label={t('joining.copy')} done={t('app.copied')} />
            <input className="kw-hidden" readOnly value={link} tabIndex={-1} aria-hidden="true" data-testid="link" />
          </div>
          <Waiting text={t('joining.waiting')} />
          <p className="kw-dim kw-small">{t('joining.left', { time: words.clock(offer.until) })}</p>
        </div>
      )}
      <div>
        <Button variant="subtle" onClick={onBack}>
          {t('app.back')}
        </Button>
      </div>
    </div>
  )
}

function ChooseLock({ api, letIn, onOpen }: Omit<JoinProps, 'onBack'> & { readonly letIn: LetIn }) {
  const words = useWords()
  const { t } = words
  const [protection, setProtection] = useState(firstProtection)
  const [tried, setTried] = useState(false)
  const problem = protectionProblem(words, protection)
  const opening = useDo(async () => onOpen(await api.enterLetIn(await unlockOf(protection, letIn.name))))
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (!problem) opening.run()
  }
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit} noValidate>
      <StepTitle>{t('joining.inTitle', { name: letIn.name })}</StepTitle>
      <p className="kw-lead">{t('joining.inLead')}</p>
      <Protect value={protection} onChange={setProtection} problem={tried ? problem : null} />
      <p className="kw-dim kw-small">{t('joining.inCheck', { fingerprint: letIn.fingerprint })}</p>
      {opening.error !== null && <Failed error={opening.error} />}
      <Button type="submit" size="lg" loading={opening.busy}>
        {t('joining.open')}
      </Button>
    </form>
  )
}
