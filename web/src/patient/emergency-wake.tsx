import { Button, Switch } from '@mantine/core'
import { useCallback, useEffect, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { canBeWoken, ownEndpoint, type Refused, subscribe, unsubscribe } from '#client/push.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Panel, Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { WakeView } from '#rpc/wake.ts'
import { useWords } from '#words/context.tsx'

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
        <Devices />
      </div>
    </Panel>
  )
}

function Devices() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [endpoint, setEndpoint] = useState<string | null>()
  const [refused, setRefused] = useState<Refused | null>(null)
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const look = useCallback(() => void ownEndpoint().then(setEndpoint, () => setEndpoint(null)), [])
  useEffect(look, [look])
  const { value, error, again } = useAsk(() => api.wakes(endpoint ?? null), [endpoint], ['emergency', 'sharing'])
  const here = value?.find(d => d.here)
  const on = Boolean(here?.subscribed && !here.gone)
  const setting = useDo(async (next: boolean) => {
    setRefused(null)
    setUnreached([])
    if (next) {
      const publicKey = await api.wakeKey(null)
      const subscription = await subscribe(publicKey, words.locale)
      if (typeof subscription === 'string') return setRefused(subscription)
      setUnreached(await api.wakeHere({ publicKey, subscription, name: t('push.here') }))
    } else {
      if (here) setUnreached(await api.wakeNoMore(here.id))
      await unsubscribe()
    }
    look()
  })
  const { run } = setting
  // Who was custodian before has the key of the old subscription.
  const stale = on && here?.stale === true
  useEffect(() => {
    if (stale) run(true)
  }, [stale, run])
  if (error && !value) return <Failed error={error} onRetry={again} />
  if (!value || endpoint === undefined) return <Waiting />
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
      <Others list={value.filter(d => !d.here)} />
    </>
  )
}

function Others({ list }: { readonly list: readonly WakeView[] }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const removing = useDo((id: string) => api.wakeNoMore(id))
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
