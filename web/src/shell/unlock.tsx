import { Button, PasswordInput } from '@mantine/core'
import { type FormEvent, useEffect, useState } from 'react'
import { useArrived } from '#client/arrived.ts'
import { askAnyPasskey } from '#client/passkey.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { Closed } from '#rpc/limits.ts'
import type { Client } from '#rpc/rpc.ts'
import type { Me, VaultCard } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { VaultApi } from '#worker/api.ts'
import { Frame, StepTitle } from './frame.tsx'

type UnlockProps = {
  readonly api: Client<VaultApi>
  readonly vaults: readonly VaultCard[]
  /** The one to begin with, when the person chose it already. */
  readonly first: string | null
  readonly why: Closed | 'broken' | null
  readonly onOpen: (me: Me) => void
  readonly onOther: () => void
}

type Way = 'passphrase' | 'passkey'
const waysOf = (v: VaultCard | undefined): readonly Way[] => [...new Set(v?.locks.map(l => l.kind))]

/** Opens one of the records this browser keeps. */
export function Unlock({ api, vaults: known, first, why, onOpen, onOther }: UnlockProps) {
  const { t } = useWords()
  const back = useArrived('hospital') !== ''
  const [vaults, setVaults] = useState(known)
  const [did, setDid] = useState(vaults.find(v => v.did === first)?.did ?? vaults[0]?.did ?? '')
  const [wish, setWish] = useState<Way | null>(null)
  const [passphrase, setPassphrase] = useState('')
  const vault = vaults.find(v => v.did === did)
  const ways = waysOf(vault)
  const way = wish && ways.includes(wish) ? wish : ways.includes('passkey') ? 'passkey' : 'passphrase'
  const left = useSecondsLeft(way === 'passphrase' ? (vault?.waitUntil ?? 0) : 0)
  const opening = useDo(async (card: VaultCard) => {
    try {
      const unlock = way === 'passkey' ? await askAnyPasskey(card.locks) : { kind: 'passphrase' as const, passphrase }
      onOpen(await api.unlock({ did: card.did, unlock }))
    } catch (e) {
      setVaults(await api.kept(null))
      throw e
    }
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (vault && left === 0) opening.run(vault)
  }
  const choose = (next: string): void => {
    setDid(next)
    setPassphrase('')
    opening.clear()
  }
  return (
    <Frame step>
      <form className="kw-stack kw-stack-wide" onSubmit={submit}>
        <StepTitle>{t('lock.title')}</StepTitle>
        {back && <Banner icon="visit">{t('lock.fromHospital')}</Banner>}
        {why && <Banner {...(why === 'broken' ? { tone: 'warn' as const } : { icon: 'lock' as const })}>{t(`lock.${why}`)}</Banner>}
        <fieldset className="kw-choices">
          <legend className={vaults.length === 1 ? 'kw-hidden' : ''}>{t('lock.choose')}</legend>
          {vaults.map(v => (
            <label key={v.did} className="kw-choice">
              <input type="radio" name="vault" checked={v.did === did} onChange={() => choose(v.did)} />
              <span className="kw-choice-text">
                <strong>{v.name}</strong>
              </span>
              <Icon name={waysOf(v).includes('passkey') ? 'key' : 'lock'} />
            </label>
          ))}
        </fieldset>
        {way === 'passphrase' && (
          <PasswordInput
            label={t('begin.passphraseLabel')}
            autoComplete="current-password"
            value={passphrase}
            onChange={e => setPassphrase(e.currentTarget.value)}
          />
        )}
        {left > 0 ? <WaitNote left={left} onWords={onOther} /> : opening.error !== null && <Failed error={opening.error} />}
        <Button type="submit" size="lg" loading={opening.busy} disabled={left > 0}>
          {way === 'passkey' ? t('lock.passkey') : t('lock.open')}
        </Button>
        {ways.length > 1 && (
          <Button variant="subtle" onClick={() => setWish(way === 'passkey' ? 'passphrase' : 'passkey')} disabled={opening.busy}>
            {way === 'passkey' ? t('lock.passphraseInstead') : t('lock.passkeyInstead')}
          </Button>
        )}
        <Button variant="subtle" onClick={onOther} disabled={opening.busy}>
          {t('lock.other')}
        </Button>
      </form>
    </Frame>
  )
}

const now = (): number => Math.floor(Date.now() / 1000)

/** Counts down to a moment, second by second. */
function useSecondsLeft(until: number): number {
  const [left, setLeft] = useState(Math.max(0, until - now()))
  useEffect(() => {
    const look = (): void => setLeft(Math.max(0, until - now()))
    look()
    if (until <= now()) return
    const timer = setInterval(look, 500)
    return () => clearInterval(timer)
  }, [until])
  return left
}

const shown = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`

function WaitNote({ left, onWords }: { readonly left: number; readonly onWords: () => void }) {
  const { t } = useWords()
  return (
    <Banner tone="warn" icon="clock" title={t('lock.wait')}>
      <p>{t('lock.waitNote', { time: shown(left) })}</p>
      <Button mt="sm" size="sm" variant="default" onClick={onWords}>
        {t('lock.words')}
      </Button>
    </Banner>
  )
}
