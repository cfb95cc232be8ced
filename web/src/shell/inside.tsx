import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon, type IconName } from '#parts/icon.tsx'
import { Logo } from '#parts/logo.tsx'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { GuardNotes } from './guard-notes.tsx'
import { parseRoute, useHash } from './route.ts'
import { type Choices, drawScreen, navigationOf } from './routes.tsx'

const NAV: readonly { readonly name: string; readonly icon: IconName; readonly label: Key }[] = [
  { name: '', icon: 'home', label: 'nav.home' },
  { name: 'timeline', icon: 'timeline', label: 'nav.timeline' },
  { name: 'add', icon: 'add', label: 'nav.add' },
  { name: 'share', icon: 'share', label: 'nav.share' },
  { name: 'who', icon: 'eye', label: 'nav.who' },
]

/** The frame around every screen behind the lock. */
export function Inside(choices: Choices) {
  const { t } = useWords()
  const { me, online, lock, api } = useVault()
  const route = parseRoute(useHash())
  const requests = useAsk(() => api.requests(null), [], ['sharing'])
  const desk = useAsk(() => api.hasDesk(null), [], ['sharing'])
  const here = navigationOf(route)
  return (
    <div className="kw-app">
      <button className="kw-skip" type="button" onClick={skip}>
        {t('app.skip')}
      </button>
      <div className="kw-top">
        <Logo size={30} />
        <div className="kw-row">
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
          {NAV.map(n => (
            <li key={n.name}>
              <a href={`#/${n.name}`} aria-current={here === n.name ? 'page' : undefined}>
                <span className={n.name === 'share' && requests.value?.length ? 'kw-badge-dot' : ''}>
                  <Icon name={n.icon} size={23} />
                </span>
                {t(n.label)}
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
            <a href="#/settings" aria-current={here === 'settings' ? 'page' : undefined}>
              <Icon name="settings" size={23} />
              {t('nav.settings')}
            </a>
          </li>
        </ul>
        <div className="kw-nav-foot">
          <strong>{me.name}</strong>
          <Button fullWidth variant="light" px="sm" leftSection={<Icon name="lock" size={18} />} onClick={lock}>
            {me.sample ? t('app.sampleLeave') : t('app.lock')}
          </Button>
        </div>
      </nav>
      <div className="kw-notes">
        <GuardNotes />
        {me.sample && (
          <Banner bar tone="warn" icon="info">
            {t('app.sampleBanner')}
          </Banner>
        )}
        {!online && (
          <Banner bar icon="offline">
            {t('app.offline')}
          </Banner>
        )}
      </div>
      <main className="kw-main" id="main" tabIndex={-1}>
        {drawScreen(route, choices)}
      </main>
    </div>
  )
}

/** The fragment is the route here, so a link cannot do this. */
const skip = (): void => document.getElementById('main')?.focus()
