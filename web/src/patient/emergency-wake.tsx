import { Button, Switch } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { canBeWoken, ownEndpoint, type Refused } from '#client/push.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Panel, Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { WakeView, WokenFor } from '#rpc/wake.ts'
import { useWords } from '#words/context.tsx'
import { restHere, wakeHere } from './waking.ts'

const REFUSED = { 'not-allowed': 'push.notAllowed', 'no-service': 'push.noService' } as const satisfies Record<Refused, string>

/** Which devices custodians wake, and whether this is one: a choice of its own, after what it tells whom was said. */
export function WakePanel() {
  const { t } = useWords()
  return (
    <Panel title={t('push.title')} icon="bell">
      <div className="kw-stack">
        <p>{t('push.lead')}</p>
        <ul className="kw-bullets">
          {(['push.what', 'push.who', 'push.custodians'] as const).map(key => (
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
  const { value, error, again } = useAsk(async () => api.wakes(await ownEndpoint().catch(() => null)), [], ['emergency', 'sharing'])
  if (error && !value) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  const here = value.find(d => d.here)
  return (
    <>
      <WakeSwitch
        what="own"
        label={t('push.switch')}
        here={here}
        on={Boolean(here?.subscribed && !here.gone)}
        stale={here?.stale}
        off={id => api.wakeNoMore(id)}
        again={again}
      />
      <Devices list={value.filter(d => !d.here)} remove={id => api.wakeNoMore(id)} again={again} />
    </>
  )
}

type WakeSwitchProps = {
  readonly what: WokenFor
  readonly label: string
  readonly here: { readonly id: string } | undefined
  readonly on: boolean
  readonly stale?: boolean | undefined
  /** Gives the names of those not told yet. */
  readonly off: (id: string) => Promise<readonly string[]>
  readonly again: () => Promise<void>
}

/** Whether this device is woken for one of the two reasons. */
export function WakeSwitch({ what, label, here, on, stale = false, off, again }: WakeSwitchProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [refused, setRefused] = useState<Refused | null>(null)
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const setting = useDo(async (next: boolean, anew?: boolean) => {
    setRefused(null)
    setUnreached([])
    if (next) {
      const told = await wakeHere(api, { what, name: t('push.here'), locale: words.locale, ...(anew ? { anew } : {}) })
      if (typeof told === 'string') return setRefused(told)
      setUnreached(told)
    } else {
      if (here) setUnreached(await off(here.id))
      await restHere(api)
    }
    await again()
  })
  const { run } = setting
  // Who was custodian before has the key of the old subscription.
  const renew = on && stale
  useEffect(() => {
    if (renew) run(true, true)
  }, [renew, run])
  return (
    <>
      {!canBeWoken() && <p className="kw-dim">{t('push.cannot')}</p>}
      {here && !on && !setting.busy && <Banner tone="warn">{t('push.lost')}</Banner>}
      <Switch size="md" label={label} checked={on} disabled={!canBeWoken() || setting.busy} onChange={e => run(e.currentTarget.checked)} />
      {refused && (
        <Banner tone="warn" urgent>
          {t(REFUSED[refused])}
        </Banner>
      )}
      {setting.error !== null && <Failed error={setting.error} />}
      {unreached.length > 0 && <p role="status">{t('push.unreached', { names: words.list(unreached) })}</p>}
    </>
  )
}

type Listed = Pick<WakeView, 'id' | 'name' | 'at'> & { readonly gone?: boolean }
type DevicesProps = {
  readonly list: readonly Listed[]
  readonly remove: (id: string) => Promise<unknown>
  readonly again: () => Promise<void>
}

/** Other devices, each to be taken off. */
export function Devices({ list, remove, again }: DevicesProps) {
  const words = useWords()
  const { t } = words
  const removing = useDo(async (id: string) => {
    await remove(id)
    await again()
  })
  if (!list.length) return null
  return (
    <>
      <ul className="kw-plain">
        {list.map(d => (
          <li key={d.id} className="kw-row">
            <span>{d.name}</span>
            {d.gone ? (
              <Tag tone="warn">{t('push.gone')}</Tag>
            ) : (
              <span className="kw-dim">{t('push.since', { date: words.day(d.at) })}</span>
            )}
            <Button
              variant="subtle"
              size="sm"
              aria-label={t('push.remove', { name: d.name })}
              disabled={removing.busy}
              onClick={() => removing.run(d.id)}
            >
              <Icon name="trash" size={18} />
            </Button>
          </li>
        ))}
      </ul>
      {removing.error !== null && <Failed error={removing.error} />}
    </>
  )
}
