import { Button, Modal, PasswordInput } from '@mantine/core'
import { type FormEvent, type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from 'react'
import { askAnyPasskey } from '#client/passkey.ts'
import { proving } from '#client/proving.ts'
import type { Vault } from '#client/start.ts'
import { useDo } from '#client/use-do.ts'
import { Failed } from '#parts/state.tsx'
import type { LockCard } from '#rpc/devices.ts'
import type { Client } from '#rpc/rpc.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import type { VaultApi } from '#worker/api.ts'

/** What the person was about to do, by the call that was refused. */
const TITLES: Readonly<Partial<Record<string, Key>>> = {
  share: 'prove.share',
  extendShare: 'prove.share',
  passOn: 'prove.share',
  makeLink: 'prove.share',
  addRule: 'prove.share',
  erase: 'prove.erase',
  eraseSome: 'prove.erase',
  eraseHeld: 'prove.erase',
  eraseAll: 'prove.erase',
  undoImport: 'prove.erase',
  signRetention: 'prove.erase',
  exportAll: 'prove.export',
  exportSome: 'prove.export',
  saveSummary: 'prove.export',
  askGuardians: 'prove.guardians',
  setGuardians: 'prove.guardians',
  removeGuardian: 'prove.guardians',
  endGuardians: 'prove.guardians',
  freeze: 'prove.rights',
  objectPurposes: 'prove.rights',
  closeToNew: 'prove.rights',
  admit: 'prove.device',
  removeDevice: 'prove.device',
  setUpEmergency: 'prove.emergency',
  replaceEmergency: 'prove.emergency',
  endEmergency: 'prove.emergency',
  wakeNoMore: 'prove.emergency',
  bellNoMore: 'prove.emergency',
  wakeFor: 'prove.emergency',
  chooseWoken: 'prove.emergency',
}

type Asking = { readonly method: string; readonly locks: readonly LockCard[]; readonly settle: (proved: boolean) => void }

/** The vault's calls, and the dialog that asks for the person once more when the vault wants it. What waits goes on by itself. */
export function useStepUp(vault: Vault): { readonly api: Client<VaultApi>; readonly dialog: ReactNode } {
  const [asking, setAsking] = useState<Asking | null>(null)
  const waiting = useRef<Promise<boolean> | null>(null)
  const api = useMemo(() => {
    const ask = (method: string, signal?: AbortSignal): Promise<boolean> => {
      // Whoever is refused meanwhile waits for the same answer.
      waiting.current ??= new Promise<boolean>(resolve => {
        let over = false
        const settle = (proved: boolean): void => {
          over = true
          waiting.current = null
          setAsking(null)
          resolve(proved)
        }
        signal?.addEventListener('abort', () => settle(false), { once: true })
        vault.api.locks(null).then(
          locks => over || setAsking({ method, locks, settle }),
          () => settle(false),
        )
      })
      return waiting.current
    }
    return proving(vault.api, ask)
  }, [vault])
  return { api, dialog: asking && <Prove api={vault.api} {...asking} /> }
}

/** Escape closes this dialog alone, and not what lies beneath it with all that was typed there. */
const ALONE = { 'data-mantine-stop-propagation': 'true' }

function Prove({ api, method, locks, settle }: Asking & { readonly api: Client<VaultApi> }) {
  const { t } = useWords()
  const [wish, setWish] = useState<LockCard['kind'] | null>(null)
  const [passphrase, setPassphrase] = useState('')
  const kinds = new Set(locks.map(l => l.kind))
  const way = wish ?? (kinds.has('passkey') ? 'passkey' : 'passphrase')
  const proof = useDo(async () => {
    await api.prove(way === 'passkey' ? await askAnyPasskey(locks) : { kind: 'passphrase', passphrase })
    settle(true)
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    // It is drawn within the screen that asks, whose own form must not hear of it.
    e.stopPropagation()
    proof.run()
  }
  const onKeyDown = (e: KeyboardEvent): void => {
    if (e.key === 'Escape' && !proof.busy) settle(false)
  }
  const other = way === 'passkey' ? 'passphrase' : 'passkey'
  return (
    <Modal
      opened
      onClose={() => settle(false)}
      closeOnEscape={false}
      title={t(TITLES[method] ?? 'prove.other')}
      lockScroll={false}
      withCloseButton={false}
      centered
      size="lg"
      zIndex={300}
    >
      <form className="kw-stack" onSubmit={submit} onKeyDown={onKeyDown} noValidate data-testid="prove">
        <p className="kw-dim">{t('prove.note')}</p>
        {way === 'passphrase' && (
          <PasswordInput
            label={t('begin.passphraseLabel')}
            autoComplete="current-password"
            value={passphrase}
            onChange={e => setPassphrase(e.currentTarget.value)}
            data-autofocus
            {...ALONE}
          />
        )}
        {way === 'passkey' && <p>{t('prove.passkey')}</p>}
        {proof.error !== null && <Failed error={proof.error} />}
        <div className="kw-row kw-row-end">
          <Button variant="default" onClick={() => settle(false)} disabled={proof.busy} {...ALONE}>
            {t('app.cancel')}
          </Button>
          {kinds.has(other) && (
            <Button variant="subtle" onClick={() => setWish(other)} disabled={proof.busy} {...ALONE}>
              {t(other === 'passkey' ? 'lock.passkeyInstead' : 'lock.passphraseInstead')}
            </Button>
          )}
          <Button type="submit" loading={proof.busy} {...ALONE} {...(way === 'passkey' ? { 'data-autofocus': true } : {})}>
            {t(way === 'passkey' ? 'prove.goPasskey' : 'prove.go')}
          </Button>
        </div>
      </form>
    </Modal>
  )
}
