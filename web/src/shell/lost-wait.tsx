import { Button } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Confirm } from '#parts/dialog.tsx'
import { Digits } from '#parts/digits.tsx'
import { Banner } from '#parts/page.tsx'
import { QrCode } from '#parts/qr-code.tsx'
import { Failed } from '#parts/state.tsx'
import type { Pleading } from '#rpc/guardians.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { leftText } from '#words/length.ts'
import { StepTitle } from './frame.tsx'
import type { LostProps } from './lost.tsx'
import { LostFinish } from './lost-finish.tsx'

/** Milliseconds between two looks for votes, and at whether the time lock is over. */
const LOOK = 3000

const now = (): number => Math.floor(Date.now() / 1000)

type WaitProps = LostProps & { readonly first: Pleading }

/** Asks again and again, as long as this screen is there; what failed is said, and the last answer stays. */
function useStanding(api: LostProps['api'], first: Pleading) {
  const [state, setState] = useState(first)
  const [error, setError] = useState<unknown>(null)
  const [time, setTime] = useState(now)
  const busy = useRef(false)
  useEffect(() => {
    const timer = setInterval(() => {
      setTime(now())
      if (busy.current) return
      busy.current = true
      api
        .pleaStatus(null)
        .then(
          s => {
            setState(s)
            setError(null)
          },
          e => setError(e),
        )
        .finally(() => {
          busy.current = false
        })
    }, LOOK)
    return () => clearInterval(timer)
  }, [api])
  return { state, setState, error, time }
}

/** From the first vote to the end of the time lock. */
export function LostWait({ api, first, onBack, onOpen }: WaitProps) {
  const { t } = useWords()
  const [finishing, setFinishing] = useState(false)
  const { state, setState, error, time } = useStanding(api, first)
  const starting = useDo(async () => setState(await api.startRound(null)))
  if (finishing) return <LostFinish api={api} onOpen={onOpen} onBack={() => setFinishing(false)} />
  const { round, votes, needed } = state
  const running = round?.state === 'running' || round?.state === 'finished'
  const enough = needed !== null && votes >= needed
  return (
    <div className="kw-stack kw-stack-wide">
      <StepTitle>{t(!running ? 'lost.askTitle' : round.readyAt > time ? 'lost.lockTitle' : 'lost.ready')}</StepTitle>
      {error !== null && <Failed error={error} />}
      {!running &&
        state.tampered.map(place => (
          <Banner key={place} tone="bad" urgent>
            {t('lost.tampered', { place })}
          </Banner>
        ))}
      {round?.state === 'cancelled' && (
        <Banner tone="warn" urgent title={t('lost.cancelled')}>
          {t('lost.cancelledNote', { count: needed ?? 0 })}
        </Banner>
      )}
      {round && running ? (
        <TimeLock round={round} time={time} onGo={() => setFinishing(true)} />
      ) : (
        <>
          <Votes state={state} over={state.until <= time} />
          {starting.error !== null && <Failed error={starting.error} />}
          {enough && (
            <Button size="lg" loading={starting.busy} onClick={() => starting.run()}>
              {t('lost.startLock')}
            </Button>
          )}
          {!enough && state.until > time && <ShowPlea state={state} />}
        </>
      )}
      <div className="kw-row">
        <Button variant="subtle" onClick={onBack}>
          {t('app.back')}
        </Button>
        {/* While a round runs, its keys are about to own the record: they are not thrown away. */}
        {!running && <GiveUp api={api} onBack={onBack} />}
      </div>
    </div>
  )
}

function Votes({ state: { votes, needed, until }, over }: { readonly state: Pleading; readonly over: boolean }) {
  const words = useWords()
  const { t } = words
  return (
    <>
      <p className="kw-lead" role="status">
        {needed === null ? t('lost.noVotes') : t(votes >= needed ? 'lost.enough' : 'lost.votes', { votes, needed })}
      </p>
      {needed !== null && <progress value={votes} max={needed} aria-label={t('lost.votes', { votes, needed })} />}
      {over ? (
        <Banner tone="warn" icon="clock">
          {t('lost.over')}
        </Banner>
      ) : (
        <p className="kw-dim">{t('lost.until', { time: words.time(until) })}</p>
      )}
    </>
  )
}

function ShowPlea({ state: { link, digits } }: { readonly state: Pleading }) {
  const { t } = useWords()
  return (
    <div className="kw-stack">
      <p>{t('lost.askLead')}</p>
      <QrCode text={link} label={t('lost.qr')} />
      <div className="kw-row">
        <CopyButton text={link} label={t('joining.copy')} done={t('app.copied')} />
        <input className="kw-hidden" readOnly value={link} tabIndex={-1} aria-hidden="true" data-testid="link" />
      </div>
      <h2>{t('lost.digits')}</h2>
      <Digits text={digits} label={t('lost.digits')} />
      <p className="kw-dim">{t('lost.digitsNote')}</p>
    </div>
  )
}

type LockProps = { readonly round: NonNullable<Pleading['round']>; readonly time: number; readonly onGo: () => void }

function TimeLock({ round, time, onGo }: LockProps) {
  const words = useWords()
  const { t } = words
  const left = round.readyAt - time
  if (left <= 0)
    return (
      <Button size="lg" onClick={onGo}>
        {t('lost.finish')}
      </Button>
    )
  return (
    <>
      <p className="kw-display" role="timer" data-testid="left">
        {leftText(words, left)}
      </p>
      <p className="kw-lead">{t('lost.lockUntil', { time: words.time(round.readyAt) })}</p>
      <p className="kw-dim">{t(round.final ? 'lost.lockFinal' : 'lost.lockNote')}</p>
      <Banner icon="info">{t('lost.close')}</Banner>
    </>
  )
}

function GiveUp({ api, onBack }: Pick<LostProps, 'api' | 'onBack'>) {
  const words = useWords()
  const { t } = words
  const [asking, setAsking] = useState(false)
  const dropping = useDo(async () => {
    await api.dropPlea(null)
    onBack()
  })
  return (
    <>
      <Button variant="subtle" color="red" onClick={() => setAsking(true)}>
        {t('lost.giveUp')}
      </Button>
      <Confirm
        open={asking}
        title={t('lost.giveUpTitle')}
        cancel={t('app.cancel')}
        go={t('lost.giveUp')}
        busy={dropping.busy}
        error={dropping.error === null ? null : errorText(words, dropping.error)}
        onClose={() => setAsking(false)}
        onGo={() => dropping.run()}
      >
        <p>{t('lost.giveUpNote')}</p>
      </Confirm>
    </>
  )
}
