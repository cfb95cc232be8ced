import { Button, Checkbox, type MantineColorScheme, NativeSelect, SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm } from '#parts/dialog.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { DeviceView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { LOCALES, type Locale } from '#words/words.ts'
import { AppPanel } from './app-panel.tsx'

type SettingsProps = {
  readonly locale: Locale
  readonly onLocale: (l: Locale) => void
  readonly idle: { readonly minutes: number; readonly onMinutes: (m: number) => void }
  readonly choices: readonly number[]
  /** Settings of other rooms. */
  readonly more?: ReactNode
}

export function Settings({ locale, onLocale, idle, choices, more }: SettingsProps) {
  const { t, n } = useWords()
  const { lock, me } = useVault()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Page title={t('settings.title')} tab={t('settings.title')}>
      <div className="kw-grid">
        <Panel title={t('settings.look')} icon="settings">
          <div className="kw-stack">
            <div className="kw-stack kw-stack-tight">
              <span id="theme" className="kw-label">
                {t('settings.theme')}
              </span>
              <SegmentedControl
                aria-labelledby="theme"
                fullWidth
                size="md"
                value={colorScheme}
                onChange={v => setColorScheme(v as MantineColorScheme)}
                data={(['auto', 'light', 'dark'] as const).map(v => ({ value: v, label: t(`settings.${v}`) }))}
              />
            </div>
            <NativeSelect
              label={t('settings.language')}
              value={locale}
              onChange={e => onLocale(e.currentTarget.value as Locale)}
              data={LOCALES.map(l => ({ value: l.locale, label: l.name }))}
            />
          </div>
        </Panel>
        <Panel title={t('settings.lock')} icon="lock">
          <div className="kw-stack">
            <NativeSelect
              label={t('settings.lockAfter')}
              value={String(idle.minutes)}
              onChange={e => idle.onMinutes(Number(e.currentTarget.value))}
              data={choices.map(m => ({ value: String(m), label: n('settings.minutes', m) }))}
            />
            <div>
              <Button variant="light" leftSection={<Icon name="lock" size={18} />} onClick={lock}>
                {t('settings.lockNow')}
              </Button>
            </div>
          </div>
        </Panel>
        {more}
        {!me.sample && <Devices />}
        <About />
        <AppPanel />
      </div>
    </Page>
  )
}

function Devices() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.devices(null), [])
  const [leaving, setLeaving] = useState<DeviceView | null>(null)
  const removing = useDo(async (d: DeviceView) => {
    await api.removeDevice(d.id)
    setLeaving(null)
    again()
  })
  return (
    <Panel title={t('settings.devices')} icon="device" wide>
      <p className="kw-lead">{t('settings.devicesNote')}</p>
      {error ? <Failed error={error} onRetry={again} /> : !value && <Waiting />}
      <ul className="kw-lines kw-actions">
        {value?.map(d => (
          <li key={d.id}>
            <div className="kw-row kw-row-between">
              <RecordLine
                wrap
                glyph={
                  <span className="kw-glyph" data-tone="brand">
                    <Icon name="device" size={21} />
                  </span>
                }
                title={d.name}
                sub={t('settings.since', { date: words.day(d.since) })}
              />
              {d.here ? (
                <Tag tone="brand">{t('settings.here')}</Tag>
              ) : (
                <Button size="sm" variant="default" onClick={() => setLeaving(d)}>
                  {t('settings.remove')}
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {leaving && (
        <Confirm
          open
          title={t('settings.removeTitle', { name: leaving.name })}
          cancel={t('app.cancel')}
          go={t('settings.removeGo')}
          busy={removing.busy}
          error={removing.error === null ? null : errorText(words, removing.error)}
          onClose={() => setLeaving(null)}
          onGo={() => removing.run(leaving)}
        >
          <p>{t('settings.removeNote')}</p>
        </Confirm>
      )}
    </Panel>
  )
}

function About() {
  const words = useWords()
  const { t } = words
  const { api, me, lock } = useVault()
  const devices = useAsk(() => api.devices(null), [])
  const [asking, setAsking] = useState(false)
  const [sure, setSure] = useState(false)
  const only = (devices.value?.length ?? 1) === 1
  const forgetting = useDo(async () => {
    await api.forget(null)
    location.hash = '#/'
    lock()
  })
  return (
    <Panel title={t('settings.about')} icon="info" wide>
      <dl className="kw-facts">
        <dt>{t('settings.name')}</dt>
        <dd>{me.name}</dd>
        <dt>{t('settings.keptAt')}</dt>
        <dd>{me.relay}</dd>
        <dt>{t('share.fingerprint')}</dt>
        <dd className="kw-mono">{me.fingerprint}</dd>
        <dt>{t('settings.did')}</dt>
        <dd className="kw-mono">{me.did}</dd>
      </dl>
      {!me.sample && (
        <div className="kw-stack kw-stack-tight kw-actions">
          <p className="kw-dim">{t('settings.forgetNote')}</p>
          <div>
            <Button variant="default" onClick={() => setAsking(true)}>
              {t('settings.forget')}
            </Button>
          </div>
        </div>
      )}
      <Confirm
        open={asking}
        title={t('settings.forgetTitle')}
        cancel={t('app.cancel')}
        go={t('settings.forgetGo')}
        busy={forgetting.busy}
        disabled={only && !sure}
        error={forgetting.error === null ? null : errorText(words, forgetting.error)}
        onClose={() => setAsking(false)}
        onGo={() => forgetting.run()}
      >
        {only ? (
          <>
            <Banner tone="bad">{t('settings.forgetOnly')}</Banner>
            <Checkbox size="md" label={t('settings.forgetHave')} checked={sure} onChange={e => setSure(e.currentTarget.checked)} />
          </>
        ) : (
          <p>{t('settings.forgetOther')}</p>
        )}
      </Confirm>
    </Panel>
  )
}
