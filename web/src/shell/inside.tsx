import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon, type IconName } from '#parts/icon.tsx'
import { Logo, Mark } from '#parts/logo.tsx'
import { Banner } from '#parts/page.tsx'
import { KeepSafe } from '#patient/keep-safe.tsx'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { Bell, Count, useNews } from './bell.tsx'
import { EmergencyNote } from './emergency-note.tsx'
import { FrozenNote } from './frozen-note.tsx'
import { GuardNotes } from './guard-notes.tsx'
import { OfflineNotes } from './offline-notes.tsx'
import { keepLater, readLater } from './preferences.ts'
import { RecoveryNote } from './recovery-note.tsx'
import { parseRoute, useHash } from './route.ts'
import { type Choices, drawScreen, navigationOf } from './routes.tsx'
import { Switcher } from './switcher.tsx'

const NAV: readonly { readonly name: string; readonly icon: IconName; readonly label: Key }[] = [
  { name: '', icon: 'home', label: 'nav.home' },
  { name: 'timeline', icon: 'timeline', label: 'nav.timeline' },
  { name: 'add', icon: 'add', label: 'nav.add' },
  { name: 'share', icon: 'share', label: 'nav.share' },
  { name: 'who', icon: 'eye', label: 'nav.who' },
]

/** Why nothing new comes any more: the record was erased elsewhere, or this device was shut out. */
export type Ending = 'erased' | 'out'

/** The frame around every screen behind the lock. */
export function Inside({ ended, ...choices }: Choices & { readonly ended: Ending | null }) {
  const { t, n } = useWords()
  const { me, lock, api } = useVault()
  const route = parseRoute(useHash())
  const requests = useAsk(() => api.requests(null), [], ['sharing'])
  const desk = useAsk(() => api.hasDesk(null), [], ['sharing'])
  const unread = useNews()
  const here = navigationOf(route)
  return (
    <div className="kw-app">
      <button className="kw-skip" type="button" onClick={skip}>
        {t('app.skip')}
      </button>
      <div className="kw-top">
        <Mark size={30} />
        <Switcher />
        <div className="kw-row kw-top-side">
          <Bell unread={unread} />
          <a className="kw-icon-link" href="#/settings" aria-label={t('nav.settings')}>
            <Icon name="settings" />
          </a>
          <button className="kw-icon-link" type="button" onClick={lock} aria-label={t('app.lock')}>
            <Icon name="lock" />
          </button>
        </div>
      </div>
      <nav className="kw-nav" aria-label={t('nav.label')}>
        <div className="kw-nav-side">
          <Logo />
        </div>
        <ul>
          {NAV.map(entry => (
            <li key={entry.name}>
              <a href={`#/${entry.name}`} aria-current={here === entry.name ? 'page' : undefined}>
                <span className={entry.name === 'share' && requests.value?.length ? 'kw-badge-dot' : ''}>
                  <Icon name={entry.icon} size={23} />
                </span>
                {t(entry.label)}
              </a>
            </li>
          ))}
          {desk.value && (
            <li className="kw-only-desk">
              <a href="#/desk" aria-current={here === 'desk' ? 'page' : undefined}>
                <Icon name="desk" size={23} />
                {t('nav.desk')}
              </a>
            </li>
          )}
          <li className="kw-only-desk">
            <a href="#/news" aria-current={here === 'news' ? 'page' : undefined}>
              <Icon name="bell" size={23} />
              {t('nav.news')}
              <Count unread={unread} />
              {unread > 0 && <span className="kw-hidden">{n('news.unread', unread)}</span>}
            </a>
          </li>
          <li className="kw-only-desk">
            <a href="#/settings" aria-current={here === 'settings' ? 'page' : undefined}>
              <Icon name="settings" size={23} />
              {t('nav.settings')}
            </a>
          </li>
        </ul>
        <div className="kw-nav-foot">
          <Switcher />
          <Button fullWidth variant="light" px="sm" leftSection={<Icon name="lock" size={18} />} onClick={lock}>
            {me.sample ? t('app.sampleLeave') : t('app.lock')}
          </Button>
        </div>
      </nav>
      <div className="kw-notes">
        <RecoveryNote />
        <EmergencyNote first={route.name === ''} />
        <FrozenNote />
        <GuardNotes />
        {me.sample && (
          <Banner bar tone="warn" icon="info">
            {t('app.sampleBanner')}
          </Banner>
        )}
        {ended && <EndedNote why={ended} />}
        <OfflineNotes />
      </div>
      <main className="kw-main" id="main" tabIndex={-1}>
        {drawScreen(route, choices)}
        {route.name === '' && <Reminder />}
      </main>
    </div>
  )
}

function Reminder() {
  const [later, setLater] = useState(readLater)
  return (
    <div className="kw-reminder">
      <KeepSafe
        hidden={later}
        onLater={() => {
          keepLater()
          setLater(true)
        }}
      />
    </div>
  )
}

function EndedNote({ why }: { readonly why: Ending }) {
  const { t } = useWords()
  const { api, lock } = useVault()
  const forgetting = useDo(async () => {
    await api.forget(null)
    location.hash = '#/'
    lock()
  })
  return (
    <Banner bar tone="bad" icon="alert">
      {t(`ended.${why}`)}{' '}
      <Button size="sm" variant="default" loading={forgetting.busy} onClick={() => forgetting.run()}>
        {t('ended.forget')}
      </Button>
    </Banner>
  )
}

/** The fragment is the route here, so a link cannot do this. */
const skip = (): void => document.getElementById('main')?.focus()
