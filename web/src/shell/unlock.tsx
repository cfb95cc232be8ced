import { Button, PasswordInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { askPasskey } from '#client/passkey.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { Client } from '#rpc/rpc.ts'
import type { Me, VaultCard } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { VaultApi } from '#worker/api.ts'
import { Frame, StepTitle } from './begin.tsx'

type UnlockProps = {
  readonly api: Client<VaultApi>
  readonly vaults: readonly VaultCard[]
  readonly why: 'idle' | 'broken' | null
  readonly onOpen: (me: Me) => void
  readonly onOther: () => void
}

/** Opens one of the records this browser keeps. */
export function Unlock({ api, vaults, why, onOpen, onOther }: UnlockProps) {
  const { t } = useWords()
  const [did, setDid] = useState(vaults[0]?.did ?? '')
  const [passphrase, setPassphrase] = useState('')
  const vault = vaults.find(v => v.did === did)
  const opening = useDo(async (card: VaultCard) => {
    const unlock = card.lock.kind === 'passkey' ? await askPasskey(card.lock) : { kind: 'passphrase' as const, passphrase }
    onOpen(await api.unlock({ did: card.did, unlock }))
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (vault) opening.run(vault)
  }
  return (
    <Frame step>
      <form className="kw-stack kw-stack-wide" onSubmit={submit}>
        <StepTitle>{t('lock.title')}</StepTitle>
        {why && <Banner {...(why === 'broken' ? { tone: 'warn' as const } : { icon: 'lock' as const })}>{t(`lock.${why}`)}</Banner>}
        <fieldset className="kw-choices">
          <legend className={vaults.length === 1 ? 'kw-hidden' : ''}>{t('lock.choose')}</legend>
          {vaults.map(v => (
            <label key={v.did} className="kw-choice">
              <input
                type="radio"
                name="vault"
                checked={v.did === did}
                onChange={() => {
                  setDid(v.did)
                  opening.clear()
                }}
              />
              <span className="kw-choice-text">
                <strong>{v.name}</strong>
              </span>
              <Icon name={v.lock.kind === 'passkey' ? 'key' : 'lock'} />
            </label>
          ))}
        </fieldset>
        {vault?.lock.kind === 'passphrase' && (
          <PasswordInput
            label={t('begin.passphraseLabel')}
            autoComplete="current-password"
            value={passphrase}
            onChange={e => setPassphrase(e.currentTarget.value)}
          />
        )}
        {opening.error !== null && <Failed error={opening.error} />}
        <Button type="submit" size="lg" loading={opening.busy}>
          {vault?.lock.kind === 'passkey' ? t('lock.passkey') : t('lock.open')}
        </Button>
        <Button variant="subtle" onClick={onOther} disabled={opening.busy}>
          {t('lock.other')}
        </Button>
      </form>
    </Frame>
  )
}
