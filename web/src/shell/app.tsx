import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { forgetArrived, useArrived } from '#client/arrived.ts'
import { VaultProvider } from '#client/context.tsx'
import { useGuard } from '#client/guard.ts'
import { useSigns } from '#client/idle.ts'
import { speak } from '#client/push.ts'
import { startVault, type Vault } from '#client/start.ts'
import { Failed, Waiting } from '#parts/state.tsx'
import type { Closed } from '#rpc/limits.ts'
import type { Me, VaultCard } from '#rpc/views.ts'
import { WordsProvider } from '#words/context.tsx'
import { type Locale, makeWords } from '#words/words.ts'
import { Begin } from './begin.tsx'
import { Replaced } from './guard-notes.tsx'
import { type Ending, Inside } from './inside.tsx'
import { useKeptFocus } from './kept-focus.ts'
import { keepLocale } from './preferences.ts'
import { useStepUp } from './step-up.tsx'
import { type Spoken, textsOf, wholeOf } from './texts.ts'
import { theme } from './theme.ts'
import { Unlock } from './unlock.tsx'

const ReadLink = lazy(async () => ({ default: (await import('#patient/read-link.tsx')).ReadLink }))

const colors = localStorageColorSchemeManager({ key: 'keepwell-theme' })

type Why = Closed | 'broken' | null
type Place =
  | { readonly kind: 'starting' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'begin'; readonly vaults: readonly VaultCard[] }
  | { readonly kind: 'locked'; readonly vaults: readonly VaultCard[]; readonly why: Why; readonly first: string | null }
  | { readonly kind: 'open'; readonly me: Me }

export function App({ first }: { readonly first: Spoken }) {
  const [spoken, setSpoken] = useState(first)
  const { locale, texts, whole } = spoken
  const words = useMemo(() => makeWords(locale, texts, whole), [locale, texts, whole])
  useEffect(() => {
    document.documentElement.lang = locale
    void speak(locale)
  }, [locale])
  // Tried until it is had: without a network it may be a while.
  useEffect(() => {
    if (spoken.whole) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let here = true
    const look = (): void =>
      void wholeOf(spoken).then(
        all => here && setSpoken(all),
        () => {
          if (here) timer = setTimeout(look, 3000)
        },
      )
    look()
    return () => {
      here = false
      clearTimeout(timer)
    }
  }, [spoken])
  const choose = (next: Locale): void => {
    void textsOf(next).then(spoken => {
      keepLocale(next)
      setSpoken(spoken)
    })
  }
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colors} withCssVariables={false} withGlobalClasses={false}>
      <WordsProvider words={words}>
        <Record locale={locale} onLocale={choose} />
      </WordsProvider>
    </MantineProvider>
  )
}

/**
 * One open record at a time, in a worker of its own. Locking ends it, throws away every screen, and begins with a new one. A second worker
 * runs only while a record for somebody in one’s care is made.
 */
function Record({ locale, onLocale }: { readonly locale: Locale; readonly onLocale: (l: Locale) => void }) {
  const [place, setPlace] = useState<Place>({ kind: 'starting' })
  const [vault, setVault] = useState<Vault | null>(null)
  const current = useRef<Vault | null>(null)
  useKeptFocus()
  const [caring, setCaring] = useState<Vault | null>(null)
  const restart = useCallback((why: Why, first: string | null = null) => {
    current.current?.lock()
    const next = startVault(() => restart('broken'))
    current.current = next
    setVault(next)
    setPlace({ kind: 'starting' })
    next.api.kept(null).then(
      vaults => setPlace(vaults.length ? { kind: 'locked', vaults, why, first } : { kind: 'begin', vaults }),
      error => setPlace({ kind: 'failed', error }),
    )
  }, [])
  useEffect(() => {
    restart(null)
    return () => current.current?.lock()
  }, [restart])
  const { replaced } = useGuard()
  const [warned, setWarned] = useState(false)
  useEffect(() => {
    if (replaced) restart(null)
  }, [replaced, restart])
  useEffect(() => {
    if (place.kind !== 'open') document.title = 'Keepwell'
  }, [place.kind])
  const shlink = useArrived('shlink')
  const invited = useArrived('join') !== ''
  if (replaced && !warned) return <Replaced onClose={() => setWarned(true)} />
  if (!vault || place.kind === 'starting')
    return (
      <main className="kw-main">
        <Waiting />
      </main>
    )
  const reading = shlink && (
    <Suspense fallback={<Waiting />}>
      <ReadLink key={shlink} api={vault.api} link={shlink} own={place.kind === 'open'} onClose={() => forgetArrived('shlink')} />
    </Suspense>
  )
  if (reading && place.kind !== 'open') return reading
  const opened = (me: Me): void => setPlace({ kind: 'open', me })
  if (place.kind === 'failed')
    return (
      <main className="kw-main">
        <Failed error={place.error} onRetry={() => restart(null)} />
      </main>
    )
  if (place.kind === 'begin') {
    const back = place.vaults.length ? () => setPlace({ kind: 'locked', vaults: place.vaults, why: null, first: null }) : undefined
    return <Begin api={vault.api} invited={invited} onOpen={opened} onBack={back} />
  }
  if (place.kind === 'locked')
    return (
      <Unlock
        api={vault.api}
        vaults={place.vaults}
        why={place.why}
        first={place.first}
        onOpen={opened}
        onOther={() => setPlace({ kind: 'begin', vaults: place.vaults })}
      />
    )
  const care = (): void => {
    const second = startVault(() => (current.current === second ? restart('broken') : setCaring(null)))
    setCaring(second)
  }
  const uncare = (): void => {
    caring?.lock()
    setCaring(null)
  }
  const cared = (me: Me): void => {
    current.current?.lock()
    current.current = caring
    setVault(caring)
    setCaring(null)
    location.hash = '#/'
    setPlace({ kind: 'open', me })
  }
  return (
    <Unlocked key={place.me.did} vault={vault} me={place.me} locale={locale} onLocale={onLocale} onLock={restart} onCare={care}>
      {reading || (caring && <Begin api={caring.api} care invited={false} onOpen={cared} onBack={uncare} />)}
    </Unlocked>
  )
}

function hearNetwork(heard: () => void): () => void {
  const end = new AbortController()
  for (const name of ['online', 'offline']) window.addEventListener(name, heard, { signal: end.signal })
  return () => end.abort()
}

type UnlockedProps = {
  readonly vault: Vault
  readonly me: Me
  readonly locale: Locale
  readonly onLocale: (l: Locale) => void
  readonly onLock: (why: Why, first?: string) => void
  readonly onCare: () => void
  /** Shown in place of the record’s screens, which stay open behind it and lock themselves as ever. */
  readonly children: ReactNode
}

function Unlocked({ vault, me, locale, onLocale, onLock, onCare, children }: UnlockedProps) {
  const [reached, setReached] = useState(true)
  const network = useSyncExternalStore(hearNetwork, () => navigator.onLine)
  // A connection that nothing comes through can look alive for minutes; the browser knows sooner.
  const online = reached && network
  const [ended, setEnded] = useState<Ending | null>(null)
  useEffect(() => vault.on('online', value => setReached(value === true)), [vault])
  useEffect(() => vault.on('ended', value => setEnded(value as Ending)), [vault])
  // What is new since the last time, and whenever there is a network again; offline, what is here is shown.
  useEffect(() => {
    if (!network) return
    const { api } = vault
    // First what the person waits for, then the news.
    void api
      .overview(null)
      .then(() => api.sync(null))
      .catch(() => {})
  }, [vault, network])
  useEffect(() => vault.on('closed', why => onLock(why as Closed)), [vault, onLock])
  useSigns(useCallback(() => void vault.api.seen(null).catch(() => {}), [vault]))
  const { api, dialog } = useStepUp(vault)
  // Asked once there is something worth keeping: a browser short of space then forgets other sites first.
  useEffect(() => {
    if (!me.sample) void navigator.storage?.persist?.().catch(() => {})
  }, [me.sample])
  const lock = useCallback(() => onLock(null), [onLock])
  const switchTo = useCallback((did: string) => onLock(null, did), [onLock])
  // biome-ignore lint/correctness/useExhaustiveDependencies: `onCare` does the same at every turn
  const value = useMemo(() => ({ api, on: vault.on, me, online, lock, switchTo, care: onCare }), [api, vault, me, online, lock, switchTo])
  return (
    <VaultProvider value={value}>
      {children || <Inside locale={locale} onLocale={onLocale} ended={ended} />}
      {dialog}
    </VaultProvider>
  )
}
