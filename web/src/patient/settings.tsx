import { Button, Checkbox, type MantineColorScheme, NativeSelect, SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm } from '#parts/dialog.tsx'
import { type IconName, Sign } from '#parts/icon.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { errorText } from '#words/error.ts'
import { LOCALES, type Locale } from '#words/words.ts'
import { AppPanel } from './app-panel.tsx'
import { CopiesPanel } from './copies-panel.tsx'
import { Notifying } from './notifying.tsx'

type SettingsProps = {
  readonly locale: Locale
  readonly onLocale: (l: Locale) => void
  /** Settings of other rooms. */
  readonly more?: ReactNode
}

const SECTIONS: readonly { readonly href: string; readonly icon: IconName; readonly title: Key; readonly sub: Key }[] = [
  { href: '#/settings/lock', icon: 'lock', title: 'locks.title', sub: 'settings.lockSub' },
  { href: '#/guardians', icon: 'key', title: 'guardians.title', sub: 'settings.guardiansSub' },
  { href: '#/emergency', icon: 'heart', title: 'emergency.title', sub: 'emergency.sub' },
  { href: '#/rights', icon: 'shield', title: 'rights.title', sub: 'rights.sub' },
  { href: '#/settings/backups', icon: 'folder', title: 'backups.title', sub: 'backups.sub' },
  { href: '#/settings/data', icon: 'save', title: 'own.title', sub: 'own.sub' },
]

/** What belongs to the app and to the record as a whole; each longer matter has a screen of its own. */
export function Settings({ locale, onLocale, more }: SettingsProps) {
  const { t, n } = useWords()
  const { api, me } = useVault()
  // Without it, Mantine writes a style sheet as markup, which this page's policy refuses.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true })
  const devices = useAsk(() => api.devices(null), [])
  return (
    <Page title={t('settings.title')} tab={t('settings.title')} lead={t('settings.lead')}>
      <div className="kw-grid">
        {!me.sample && (
          <Panel wide>
            <ul className="kw-lines">
              <li>
                <Section
                  href="#/settings/devices"
                  icon="device"
                  title={t('devices.title')}
                  sub={n('settings.devicesSub', devices.value?.length ?? 1)}
                />
              </li>
              {SECTIONS.map(s => (
                <li key={s.href}>
                  <Section href={s.href} icon={s.icon} title={t(s.title)} sub={t(s.sub)} />
                </li>
              ))}
            </ul>
          </Panel>
        )}
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
        {more}
        {!me.sample && <CopiesPanel />}
        <Notifying />
        <About />
        <AppPanel />
      </div>
    </Page>
  )
}

type SectionProps = { readonly href: string; readonly icon: IconName; readonly title: string; readonly sub: string }

const Section = ({ href, icon, title, sub }: SectionProps) => (
  <RecordLine wrap href={href} glyph={<Sign name={icon} tone="brand" />} title={title} sub={sub} />
)

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
    <Panel title={t('settings.about')} icon="info">
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
