import { Checkbox, Switch } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { canBeWoken, ownEndpoint, type Refused } from '#client/push.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { BellView } from '#rpc/wake.ts'
import { useWords } from '#words/context.tsx'
import { Devices, REFUSED } from './emergency-wake.tsx'
import { restHere, wakeHere } from './waking.ts'

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
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [refused, setRefused] = useState<Refused | null>(null)
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const { value, error, again } = useAsk(async () => api.bell(await ownEndpoint().catch(() => null)), [], ['emergency', 'sharing'])
  const here = value?.devices.find(d => d.here)
  const on = Boolean(here?.subscribed)
  const setting = useDo(async (next: boolean) => {
    setRefused(null)
    setUnreached([])
    if (next) {
      const told = await wakeHere(api, { what: 'others', name: t('push.here'), locale: words.locale })
      if (typeof told === 'string') return setRefused(told)
      setUnreached(told)
    } else {
      if (here) setUnreached(await api.bellNoMore(here.id))
      await restHere(api)
    }
  })
  if (error && !value) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  return (
    <>
      {!canBeWoken() && <p className="kw-dim">{t('push.cannot')}</p>}
      {here && !on && !setting.busy && <Banner tone="warn">{t('push.lost')}</Banner>}
      <Switch
        size="md"
        label={t('push.forOthersSwitch')}
        checked={on}
        disabled={!canBeWoken() || setting.busy}
        onChange={e => setting.run(e.currentTarget.checked)}
      />
      {refused && (
        <Banner tone="warn" urgent>
          {t(REFUSED[refused])}
        </Banner>
      )}
      {setting.error !== null && <Failed error={setting.error} />}
      {unreached.length > 0 && <p role="status">{t('push.unreached', { names: words.list(unreached) })}</p>}
      <Devices list={value.devices.filter(d => !d.here)} remove={id => api.bellNoMore(id)} />
      {value.devices.length > 0 && <ForWhom people={value.people} />}
    </>
  )
}

function ForWhom({ people }: Pick<BellView, 'people'>) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const giving = useDo(async (did: string, on: boolean) => setUnreached(await api.wakeFor({ did, on })))
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
    const chosen = (value ?? []).filter(p => (p.did === did ? on : p.chosen))
    setUnreached(await api.chooseWoken(chosen.map(p => p.did)))
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
