import { Button } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useVault } from '#client/context.tsx'
import { useJob } from '#client/use-job.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { QrCode } from '#parts/qr-code.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { AnsweringSoFar, AskedView, EmergencyReading } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import type { Scanned } from './emergency.tsx'

/** Milliseconds between two looks at a request that waits for a second person or for its time. */
const LOOK = 3000

type WaitProps = {
  readonly card: Scanned
  readonly asked: AskedView
  readonly onAsked: (asked: AskedView | null) => void
  readonly onRead: (reading: EmergencyReading) => void
}

/** From the request to the opened summary: by itself as soon as it may be. */
export function WaitPanel({ card, asked, onAsked, onRead }: WaitProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const under = { card: card.text, tag: asked.tag }
  const opening = useJob<AnsweringSoFar, EmergencyReading>(options => api.openEmergency(under, options))
  const latest = useRef({ onAsked, onRead })
  latest.current = { onAsked, onRead }
  const { state, start } = { state: asked.state, start: opening.start }
  // biome-ignore lint/correctness/useExhaustiveDependencies: begun once, when the request is open
  useEffect(() => {
    if (state === 'open') start()
  }, [state])
  useEffect(() => {
    if (opening.result) latest.current.onRead(opening.result)
  }, [opening.result])
  useEffect(() => {
    if (state !== 'waiting') return
    const timer = setInterval(() => {
      void api.emergencyStatus({ card: card.text, tag: asked.tag }).then(
        now => latest.current.onAsked(now),
        () => {},
      )
    }, LOOK)
    return () => clearInterval(timer)
  }, [state, api, card.text, asked.tag])
  return (
    <Panel title={t('aid.ask')} icon="heart">
      <div className="kw-stack">
        {asked.alone && <SecondCode tag={asked.tag} />}
        {state === 'waiting' && asked.opensAt !== null && (
          <Banner icon="clock">{t('aid.waitUntil', { time: words.time(asked.opensAt) })}</Banner>
        )}
        {state === 'vetoed' && (
          <Banner tone="bad" urgent>
            {t('aid.vetoed')}
          </Banner>
        )}
        {state === 'over' && (
          <Banner tone="warn" urgent>
            {t('aid.over')}
          </Banner>
        )}
        {opening.state === 'running' && <Waiting text={t('aid.opening')} />}
        {opening.progress && <Answers soFar={opening.progress} />}
        {opening.state === 'failed' && (
          <>
            <Failed error={opening.error} />
            <div>
              <Button onClick={opening.start}>{t('aid.again')}</Button>
            </div>
          </>
        )}
        {(state === 'vetoed' || state === 'over') && (
          <div>
            <Button variant="default" onClick={() => onAsked(null)}>
              {t('app.close')}
            </Button>
          </div>
        )}
      </div>
    </Panel>
  )
}

function SecondCode({ tag }: { readonly tag: string }) {
  const { t } = useWords()
  return (
    <>
      <Banner icon="person" title={t('aid.waitSecond')} urgent>
        {t('aid.waitSecondNote')}
      </Banner>
      <QrCode text={tag} label={t('aid.code')} />
      <p className="kw-mono" data-testid="code">
        {tag}
      </p>
      <div>
        <CopyButton text={tag} label={t('app.copy')} done={t('app.copied')} />
      </div>
    </>
  )
}

/** How many custodians answered, and each that did. */
function Answers({ soFar: { of, answers } }: { readonly soFar: AnsweringSoFar }) {
  const { t } = useWords()
  return (
    <div className="kw-stack kw-stack-tight">
      <p role="status">{t('aid.answered', { count: answers.length, of })}</p>
      <progress value={answers.length} max={of} aria-label={t('aid.answered', { count: answers.length, of })} />
      <ul className="kw-answers kw-small">
        {answers.map(a => (
          <li key={a.url}>
            <span className="kw-dim">{a.url}</span> {t(`aid.${a.state}`)}
          </li>
        ))}
      </ul>
    </div>
  )
}
