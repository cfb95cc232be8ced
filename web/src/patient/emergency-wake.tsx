import { Button, Switch } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { canBeWoken, ownEndpoint, type Refused } from '#client/push.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Panel, Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { WakeView } from '#rpc/wake.ts'
import { useWords } from '#words/context.tsx'
import { restHere, wakeHere } from './waking.ts'

export const REFUSED = { 'not-allowed': 'push.notAllowed', 'no-service': 'push.noService' } as const satisfies Record<Refused, string>

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
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [refused, setRefused] = useState<Refused | null>(null)
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const { value, error, again } = useAsk(async () => api.wakes(await ownEndpoint().catch(() => null)), [], ['emergency', 'sharing'])
  const here = value?.find(d => d.here)
  const on = Boolean(here?.subscribed && !here.gone)
  const setting = useDo(async (next: boolean, anew?: boolean) => {
    setRefused(null)
    setUnreached([])
    if (next) {
      const told = await wakeHere(api, { what: 'own', name: t('push.here'), locale: words.locale, ...(anew ? { anew } : {}) })
      if (typeof told === 'string') return setRefused(told)
      setUnreached(told)
    } else {
      if (here) setUnreached(await api.wakeNoMore(here.id))
      await restHere(api)
    }
  })
  const { run } = setting
  // Who was custodian before has the key of the old subscription.
  const stale = on && here?.stale === true
  useEffect(() => {
    if (stale) run(true, true)
  }, [stale, run])
  if (error && !value) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  return (
    <>
      {!canBeWoken() && <p className="kw-dim">{t('push.cannot')}</p>}
      {here && !on && !setting.busy && <Banner tone="warn">{t('push.lost')}</Banner>}
      <Switch
        size="md"
        label={t('push.switch')}
        checked={on}
        disabled={!canBeWoken() || setting.busy}
        onChange={e => run(e.currentTarget.checked)}
      />
      {refused && (
        <Banner tone="warn" urgent>
          {t(REFUSED[refused])}
        </Banner>
      )}
      {setting.error !== null && <Failed error={setting.error} />}
      {unreached.length > 0 && <p role="status">{t('push.unreached', { names: words.list(unreached) })}</p>}
      <Devices list={value.filter(d => !d.here)} remove={id => api.wakeNoMore(id)} />
    </>
  )
}

type Listed = Pick<WakeView, 'id' | 'name' | 'at'> & { readonly gone?: boolean }
type DevicesProps = { readonly list: readonly Listed[]; readonly remove: (id: string) => Promise<unknown> }

/** Other devices, each to be taken off. */
export function Devices({ list, remove }: DevicesProps) {
  const words = useWords()
  const { t } = words
  const removing = useDo(remove)
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
            <Button variant="subtle" size="sm" aria-label={t('push.remove', { name: d.name })} onClick={() => removing.run(d.id)}>
              <Icon name="trash" size={18} />
            </Button>
          </li>
        ))}
      </ul>
      {removing.error !== null && <Failed error={removing.error} />}
    </>
  )
}
