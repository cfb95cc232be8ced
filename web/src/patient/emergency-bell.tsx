import { Checkbox } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { ownEndpoint } from '#client/push.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { BellView } from '#rpc/wake.ts'
import { useWords } from '#words/context.tsx'
import { Devices, WakeSwitch } from './emergency-wake.tsx'

/** Whether this device is woken for people whom one looks after, and for whom: a choice apart from one's own emergencies. */
export function BellPanel() {
  const { t } = useWords()
  return (
    <Panel title={t('push.forOthers')} icon="bell">
      <div className="kw-stack">
        <p>{t('push.forOthersLead')}</p>
        <ul className="kw-bullets">
          {(['push.forOthersWhat', 'push.forOthersWho', 'push.forOthersRelay'] as const).map(key => (
            <li key={key}>{t(key)}</li>
          ))}
        </ul>
        <Own />
      </div>
    </Panel>
  )
}

function Own() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(async () => api.bell(await ownEndpoint().catch(() => null)), [], ['emergency', 'sharing'])
  if (error && !value) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  const { devices, people } = value
  const here = devices.find(d => d.here)
  const off = (id: string) => api.bellNoMore(id)
  return (
    <>
      <WakeSwitch what="others" label={t('push.forOthersSwitch')} here={here} on={Boolean(here?.subscribed)} off={off} again={again} />
      <Devices list={devices.filter(d => !d.here)} remove={off} again={again} />
      {devices.length > 0 && <ForWhom people={people} again={again} />}
    </>
  )
}

type ForWhomProps = Pick<BellView, 'people'> & { readonly again: () => Promise<void> }

function ForWhom({ people, again }: ForWhomProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const giving = useDo(async (did: string, on: boolean) => {
    setUnreached(await api.wakeFor({ did, on }))
    await again()
  })
  if (!people.length) return <p className="kw-dim">{t('push.forNobody')}</p>
  return (
    <fieldset className="kw-stack kw-keepers">
      <legend className="kw-dim">{t('push.forWhom')}</legend>
      {people.map(p => (
        <Checkbox
          key={p.did}
          size="md"
          label={t('push.forName', { name: p.name })}
          checked={p.given}
          disabled={giving.busy}
          onChange={e => giving.run(p.did, e.currentTarget.checked)}
        />
      ))}
      {giving.error !== null && <Failed error={giving.error} />}
      {unreached.length > 0 && <p role="status">{t('push.unreached', { names: words.list(unreached) })}</p>}
    </fieldset>
  )
}

/** The patient's side: whose devices custodians have woken, of those who offered it. */
export function WouldComePanel() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const { value, error, again } = useAsk(() => api.wouldCome(null), [], ['emergency', 'sharing'])
  const choosing = useDo(async (did: string, on: boolean) => {
    setUnreached(await api.chooseWoken({ did, on }))
    await again()
  })
  return (
    <Panel title={t('push.wouldCome')} icon="person">
      <div className="kw-stack">
        <p>{t('push.wouldComeLead')}</p>
        {error && !value ? (
          <Failed error={error} onRetry={again} />
        ) : !value ? (
          <Waiting />
        ) : value.length ? (
          value.map(p => (
            <Checkbox
              key={p.did}
              size="md"
              label={t('push.wakeName', { name: p.name })}
              checked={p.chosen}
              disabled={choosing.busy}
              onChange={e => choosing.run(p.did, e.currentTarget.checked)}
            />
          ))
        ) : (
          <p className="kw-dim">{t('push.wouldComeNobody')}</p>
        )}
        {choosing.error !== null && <Failed error={choosing.error} />}
        {unreached.length > 0 && <p role="status">{t('push.unreached', { names: words.list(unreached) })}</p>}
      </div>
    </Panel>
  )
}
