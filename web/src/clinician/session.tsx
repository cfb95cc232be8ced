import { useCallback, useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useIdle } from '#client/idle.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Empty, Page } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { DeskShare, DeskView, OpenSession, SessionOver, SessionView } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { Chart } from './chart.tsx'
import { Gate, partsText } from './gate.tsx'
import { Over } from './over.tsx'
import { IDLE_MINUTES } from './time.ts'

type Place = { readonly view: string; readonly record: string; readonly type: string }

/** One person's record, from the question who is reading to the page that says that nothing was kept. */
export function Session({ share: id, ...place }: Place & { readonly share: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.desk(null), [id])
  const share = value?.patients.flatMap(p => p.shares).find(s => s.id === id)
  if (value && share) return <Opened key={id} share={share} desk={value} {...place} />
  return (
    <Page title={t('desk.title')} tab={t('desk.title')} back={{ href: '#/desk', label: t('desk.title') }}>
      {error ? (
        <Failed error={error} onRetry={again} />
      ) : value ? (
        <Empty icon="folder" title={t('gate.gone')}>
          {t('gate.goneNote')}
        </Empty>
      ) : (
        <Waiting />
      )}
    </Page>
  )
}

type OpenedProps = Place & { readonly share: DeskShare; readonly desk: DeskView }

function Opened({ share, desk, ...place }: OpenedProps) {
  const words = useWords()
  const { t } = words
  const { api, on } = useVault()
  const [session, setSession] = useState<SessionView | null>(null)
  const [over, setOver] = useState<SessionOver | null>(null)
  const leaving = useRef(new AbortController())
  // Whatever way this screen is left, the session ends with it; one that is still being opened as well.
  useEffect(() => {
    const control = new AbortController()
    leaving.current = control
    return () => {
      control.abort()
      void api.endSession('ended').catch(() => {})
    }
  }, [api])
  useEffect(
    () =>
      on('session', value => {
        const end = value as SessionOver
        if (end.share !== share.id || leaving.current.signal.aborted) return
        setSession(null)
        setOver(end)
      }),
    [on, share.id],
  )
  const opening = useDo(async (input: OpenSession) => {
    setSession(await api.openSession(input, { signal: leaving.current.signal }))
  })
  const end = useCallback((why: 'ended' | 'idle') => void api.endSession(why).catch(() => {}), [api])
  if (over) return <Over over={over} canOpen={share.until > Date.now() / 1000} onAgain={() => setOver(null)} />
  if (session) return <Live first={session} {...place} onEnd={end} />
  const readable = desk.patients
    .filter(p => p.did === share.did)
    .flatMap(p => p.shares)
    .filter(s => s.state === 'live' && s.level !== 'write')
  const { name } = share
  return (
    <Page
      title={t('gate.title', { name })}
      tab={t('desk.title')}
      back={{ href: '#/desk', label: t('desk.title') }}
      lead={t('gate.lead', { parts: partsText(words, share), date: words.time(share.until) })}
    >
      {readable.some(s => s.id === share.id) ? (
        <Gate share={share} shares={readable} reader={desk.reader} busy={opening.busy} error={opening.error} onOpen={opening.run} />
      ) : (
        <Banner tone="warn">{t('gate.over', { name })}</Banner>
      )}
    </Page>
  )
}

type LiveProps = Place & { readonly first: SessionView; readonly onEnd: (why: 'ended' | 'idle') => void }

function Live({ first, onEnd, ...place }: LiveProps) {
  const { api } = useVault()
  const [session, setSession] = useState(first)
  useIdle(IDLE_MINUTES, () => onEnd('idle'))
  const refresh = useCallback(() => void api.session(null).then(setSession, () => {}), [api])
  return <Chart session={session} {...place} onEnd={() => onEnd('ended')} onOpened={refresh} />
}
