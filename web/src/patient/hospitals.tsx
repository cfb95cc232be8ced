import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { forgetArrived, useArrived } from '#client/arrived.ts'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { useJob } from '#client/use-job.ts'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { HospitalView, PulledView, PullProgress, Unasked } from '#rpc/hospitals.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { ConnectHospital } from './hospital-connect.tsx'
import { Connected } from './hospital-list.tsx'
import { Pulling } from './hospital-pull.tsx'

const BACK = '#/add'

/** Own logins at hospitals: begun, ended, and what they give fetched. */
export function Hospitals() {
  const { t } = useWords()
  const { api, me } = useVault()
  const { value, error, again } = useAsk(() => api.hospitals(null), [])
  const [current, setCurrent] = useState<string | null>(null)
  const [renewing, setRenewing] = useState<HospitalView | null>(null)
  const [adding, setAdding] = useState(false)
  /** Whether the hospital was told of the login that was ended last. */
  const [told, setTold] = useState<boolean | null>(null)
  const job = useJob<PullProgress, PulledView>(options => api.pullHospital(current!, options))
  // The job knows which one it is for once that is drawn.
  const [wish, setWish] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins when it is wished for, and then only
  useEffect(() => {
    if (wish) job.start()
  }, [wish])
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is listed changes when a job ended
  useEffect(() => {
    if (!['idle', 'running'].includes(job.state)) void again()
  }, [job.state])
  const pull = (id: string): void => {
    setCurrent(id)
    setWish(n => n + 1)
  }
  const ended = async (atHospital: boolean): Promise<void> => {
    await again()
    setTold(atHospital)
  }
  const connected = (id: string): void => {
    setAdding(false)
    setRenewing(null)
    void again()
    pull(id)
  }
  const name = value?.find(h => h.id === current)?.label ?? ''
  const page = { title: t('hospital.title'), tab: t('nav.add'), lead: t('hospital.lead'), back: { href: BACK, label: t('add.title') } }
  if (me.sample)
    return (
      <Page {...page}>
        <Banner icon="info">{t('hospital.sample')}</Banner>
      </Page>
    )
  return (
    <Page {...page}>
      <Returned onConnected={connected} />
      {told !== null && (
        <Banner icon="check" urgent>
          {t(told ? 'hospital.ended' : 'hospital.endedHere')}
        </Banner>
      )}
      <Pulling name={name} job={job} onAgain={() => current && pull(current)} />
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {value.length > 0 && (
            <Connected list={value} busy={job.state === 'running'} onPull={pull} onRenew={setRenewing} onEnded={ended} />
          )}
          {renewing ? (
            <ConnectHospital key={renewing.id} again={renewing} onClose={() => setRenewing(null)} />
          ) : value.length === 0 || adding ? (
            <ConnectHospital again={null} onClose={value.length ? () => setAdding(false) : null} />
          ) : (
            <div>
              <Button variant="default" onClick={() => setAdding(true)}>
                {t('hospital.more')}
              </Button>
            </div>
          )}
        </>
      )}
    </Page>
  )
}

const SAID: Readonly<Record<string, Key>> = { DENIED: 'hospital.denied', NOT_FOUND: 'hospital.notBegun', BAD_INPUT: 'hospital.another' }

/** The answer of a login, when the browser came back with one: it is ended here. */
function Returned({ onConnected }: { readonly onConnected: (id: string) => void }) {
  const { t } = useWords()
  const { api } = useVault()
  const returned = useArrived('hospital')
  const [unasked, setUnasked] = useState<Unasked['kind'] | null>(null)
  const ending = useDo(async () => {
    setUnasked(null)
    const ended = await api.endHospital(returned)
    if (ended.kind !== 'connected') return setUnasked(ended.kind)
    forgetArrived('hospital')
    onConnected(ended.id)
  })
  const { run } = ending
  useEffect(() => {
    if (returned) run()
  }, [returned, run])
  if (!returned) return null
  if (ending.busy) return <Waiting text={t('hospital.ending')} />
  const said = SAID[String((ending.error as { code?: unknown } | null)?.code)]
  const dismiss = (
    <div className="kw-row">
      {unasked && <Button onClick={() => run()}>{t('app.retry')}</Button>}
      <Button variant="default" onClick={() => forgetArrived('hospital')}>
        {t('hospital.dismiss')}
      </Button>
    </div>
  )
  return (
    <Panel>
      <div className="kw-stack">
        {unasked ? (
          <Banner tone="warn" icon="offline" urgent>
            {t(`hospital.${unasked}`)}
          </Banner>
        ) : said ? (
          <Banner tone="warn" urgent>
            {t(said)}
          </Banner>
        ) : (
          ending.error !== null && <Failed error={ending.error} />
        )}
        {dismiss}
      </div>
    </Panel>
  )
}
