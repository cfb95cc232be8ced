import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon, type IconName } from '#parts/icon.tsx'
import { Logo } from '#parts/logo.tsx'
import { Banner } from '#parts/page.tsx'
import { Add } from '#patient/add.tsx'
import { Home } from '#patient/home.tsx'
import { Invite, Join } from '#patient/invite.tsx'
import { NewShare } from '#patient/new-share.tsx'
import { Record } from '#patient/record.tsx'
import { Settings } from '#patient/settings.tsx'
import { Share } from '#patient/share.tsx'
import { Shared } from '#patient/shared.tsx'
import { Timeline } from '#patient/timeline.tsx'
import { Who } from '#patient/who.tsx'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import type { Locale } from '#words/words.ts'
import { IDLE_MINUTES } from './preferences.ts'
import { parseRoute, type Route, useHash } from './route.ts'

type InsideProps = {
  readonly locale: Locale
  readonly onLocale: (l: Locale) => void
  readonly idle: { readonly minutes: number; readonly onMinutes: (m: number) => void }
}

const NAV: readonly { readonly name: string; readonly icon: IconName; readonly label: Key }[] = [
  { name: '', icon: 'home', label: 'nav.home' },
  { name: 'timeline', icon: 'timeline', label: 'nav.timeline' },
  { name: 'add', icon: 'add', label: 'nav.add' },
  { name: 'share', icon: 'share', label: 'nav.share' },
  { name: 'who', icon: 'eye', label: 'nav.who' },
]

/** Screens under the navigation entry they belong to. */
const UNDER: Readonly<Record<string, string>> = {
  record: 'timeline',
  invite: 'share',
  join: 'share',
  'new-share': 'share',
  shared: 'share',
}

/** The frame around every screen behind the lock. */
export function Inside(props: InsideProps) {
  const { t } = useWords()
  const { me, online, lock, api } = useVault()
  const route = parseRoute(useHash())
  const requests = useAsk(() => api.requests(null), [], ['sharing'])
  const here = UNDER[route.name] ?? route.name
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
        <Screen route={route} {...props} />
      </main>
    </div>
  )
}

/** The fragment is the route here, so a link cannot do this. */
const skip = (): void => document.getElementById('main')?.focus()

function Screen({ route, locale, onLocale, idle }: InsideProps & { readonly route: Route }) {
  const [first = '', second = ''] = route.rest
  switch (route.name) {
    case 'timeline':
      return <Timeline key={route.query.toString()} compartment={route.query.get('part') ?? ''} type={route.query.get('type') ?? ''} />
    case 'record':
      return <Record key={first} id={first} />
    case 'add':
      return <Add />
    case 'share':
      return <Share />
    case 'invite':
      return <Invite />
    case 'join':
      return <Join key={first} code={first} />
    case 'new-share':
      return <NewShare key={route.query.toString()} to={route.query.get('to') ?? ''} request={route.query.get('request') ?? ''} />
    case 'shared':
      return <Shared key={first} id={first} record={second} />
    case 'who':
      return <Who />
    case 'settings':
      return <Settings locale={locale} onLocale={onLocale} idle={idle} choices={IDLE_MINUTES} />
    default:
      return <Home />
  }
}
