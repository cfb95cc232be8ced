import { Button, NativeSelect, PasswordInput } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { askAnyPasskey, passkeysHere } from '#client/passkey.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { FormDialog } from '#parts/dialog.tsx'
import { Icon, Sign } from '#parts/icon.tsx'
import { LinkPanel } from '#parts/link-panel.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { LockCard } from '#rpc/devices.ts'
import type { Limits } from '#rpc/limits.ts'
import type { Unlock } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { NewPassphrase, passphraseProblem, unlockOf } from './protect.tsx'

type Change = { readonly kind: 'passphrase' } | { readonly kind: 'passkey' } | { readonly kind: 'remove'; readonly at: number }

/** What opens the record on this device, when it closes by itself, and why the recovery words are not here. */
export function Locks() {
  const { t } = useWords()
  return (
    <Page
      title={t('locks.title')}
      tab={t('settings.title')}
      lead={t('locks.lead')}
      back={{ href: '#/settings', label: t('settings.title') }}
    >
      <div className="kw-grid">
        <Ways />
        <Closing />
        <LinkPanel title={t('locks.words')} icon="key" text={t('locks.wordsNote')} href="#/settings/keys" go={t('devices.lostGo')} />
      </div>
    </Page>
  )
}

/** When the record closes by itself. */
function Closing() {
  const { t, n } = useWords()
  const { api, lock } = useVault()
  const { value, error, again } = useAsk(() => api.limits(null), [])
  const setting = useDo(async (limits: Limits) => {
    await api.setLimits(limits)
    await again()
  })
  return (
    <Panel title={t('settings.lock')} icon="clock">
      <div className="kw-stack">
        {error ? <Failed error={error} onRetry={again} /> : !value && <Waiting />}
        {value && (
          <>
            <NativeSelect
              label={t('settings.lockAfter')}
              value={String(value.idleMinutes)}
              disabled={setting.busy}
              onChange={e => setting.run({ idleMinutes: Number(e.currentTarget.value), mostHours: value.mostHours })}
              data={value.choices.idleMinutes.map(m => ({ value: String(m), label: n('settings.minutes', m) }))}
            />
            <NativeSelect
              label={t('settings.lockMost')}
              value={String(value.mostHours)}
              disabled={setting.busy}
              onChange={e => setting.run({ idleMinutes: value.idleMinutes, mostHours: Number(e.currentTarget.value) })}
              data={value.choices.mostHours.map(h => ({ value: String(h), label: n('settings.hours', h) }))}
            />
          </>
        )}
        {setting.error !== null && <Failed error={setting.error} />}
        <div>
          <Button variant="light" leftSection={<Icon name="lock" size={18} />} onClick={lock}>
            {t('settings.lockNow')}
          </Button>
        </div>
      </div>
    </Panel>
  )
}

/** Passkeys are told apart by their order where there are several. */
const nameOf = (words: Words, all: readonly LockCard[], at: number): string => {
  if (all[at]?.kind === 'passphrase') return words.t('locks.passphrase')
  const keys = all.flatMap((l, i) => (l.kind === 'passkey' ? [i] : []))
  return words.n('locks.passkey', keys.length === 1 ? 1 : keys.indexOf(at) + 1 || 1).trim()
}

function Ways() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.locks(null), [])
  const [change, setChange] = useState<Change | null>(null)
  const [done, setDone] = useState(false)
  const begin = (c: Change): void => {
    setDone(false)
    setChange(c)
  }
  const hasPassphrase = value?.some(l => l.kind === 'passphrase')
  return (
    <Panel title={t('locks.ways')} icon="lock" wide>
      {error ? <Failed error={error} onRetry={again} /> : !value && <Waiting />}
      {done && (
        <Banner icon="check" urgent>
          {t('locks.done')}
        </Banner>
      )}
      <ul className="kw-lines">
        {value?.map((l, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a lock has no other name than its place
          <li key={at}>
            <div className="kw-row kw-row-between">
              <RecordLine glyph={<Sign name={l.kind === 'passkey' ? 'key' : 'lock'} tone="brand" />} title={nameOf(words, value, at)} />
              <div className="kw-row">
                {l.kind === 'passphrase' && (
                  <Button size="sm" variant="default" onClick={() => begin({ kind: 'passphrase' })}>
                    {t('locks.changePassphrase')}
                  </Button>
                )}
                {value.length > 1 && (
                  <Button size="sm" variant="subtle" onClick={() => begin({ kind: 'remove', at })}>
                    {t('locks.remove')}
                  </Button>
                )}
              </div>
            </div>
          </li>
        ))}
      </ul>
      <div className="kw-row kw-actions">
        {passkeysHere() === 'yes' && (
          <Button variant="default" leftSection={<Icon name="key" size={18} />} onClick={() => begin({ kind: 'passkey' })}>
            {t('locks.addPasskey')}
          </Button>
        )}
        {value && !hasPassphrase && (
          <Button variant="default" leftSection={<Icon name="lock" size={18} />} onClick={() => begin({ kind: 'passphrase' })}>
            {t('locks.addPassphrase')}
          </Button>
        )}
      </div>
      {change && value && (
        <ChangeLock
          change={change}
          locks={value}
          onClose={() => setChange(null)}
          onDone={async () => {
            await again()
            setChange(null)
            setDone(true)
          }}
        />
      )}
    </Panel>
  )
}

type ChangeProps = {
  readonly change: Change
  readonly locks: readonly LockCard[]
  readonly onClose: () => void
  readonly onDone: () => Promise<void>
}

/** Asks for what opens the record now, and then for what shall open it. */
function ChangeLock({ change, locks, onClose, onDone }: ChangeProps) {
  const words = useWords()
  const { t } = words
  const { api, me } = useVault()
  const [current, setCurrent] = useState('')
  const [fresh, setFresh] = useState({ passphrase: '', again: '' })
  const [tried, setTried] = useState(false)
  const byPassphrase = locks.some(l => l.kind === 'passphrase')
  const problem = change.kind === 'passphrase' ? passphraseProblem(words, fresh) : null
  const changing = useDo(async () => {
    const proof: Unlock = byPassphrase ? { kind: 'passphrase', passphrase: current } : await askAnyPasskey(locks)
    if (change.kind === 'remove') await api.removeLock({ proof, at: change.at })
    else await api.addLock({ proof, unlock: await unlockOf({ kind: change.kind, ...fresh }, me.name) })
    await onDone()
  })
  const go = (): void => {
    setTried(true)
    if (!problem) changing.run()
  }
  const removing = change.kind === 'remove'
  return (
    <FormDialog
      title={t(removing ? 'locks.removeTitle' : 'locks.proveTitle')}
      cancel={t('app.cancel')}
      go={t(removing ? 'locks.remove' : 'locks.go')}
      busy={changing.busy}
      error={changing.error}
      grave={removing}
      onClose={onClose}
      onGo={go}
    >
      <p className="kw-dim">{t('locks.proveNote')}</p>
      {byPassphrase ? (
        <PasswordInput
          label={t('locks.provePassphrase')}
          autoComplete="current-password"
          value={current}
          onChange={e => setCurrent(e.currentTarget.value)}
          data-autofocus
        />
      ) : (
        <p>{t('locks.provePasskey')}</p>
      )}
      {change.kind === 'passphrase' && (
        <NewPassphrase label={t('locks.newPassphrase')} value={fresh} problem={tried ? problem : null} onChange={setFresh} />
      )}
    </FormDialog>
  )
}
