import { PasswordInput } from '@mantine/core'
import { makePasskey, passkeysHere } from '#client/passkey.ts'
import type { Unlock } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

/** A new passphrase, given twice. */
export type Passphrase = { readonly passphrase: string; readonly again: string }
/** How this device is to open the record, as chosen so far. */
export type Protection = Passphrase & { readonly kind: Unlock['kind'] }
export type Problem = { readonly first?: string; readonly again?: string }

const MIN = 8

export const firstProtection = (): Protection => ({ kind: passkeysHere() === 'yes' ? 'passkey' : 'passphrase', passphrase: '', again: '' })

/** What is wrong with it, by field; null when it will do. */
export function passphraseProblem({ t }: Words, p: Passphrase): Problem | null {
  if (p.passphrase.length < MIN) return { first: t('begin.passphraseShort') }
  return p.passphrase === p.again ? null : { again: t('begin.passphraseDiffer') }
}

export const protectionProblem = (words: Words, p: Protection): Problem | null =>
  p.kind === 'passkey' ? null : passphraseProblem(words, p)

/** Asks for the passkey now, when it is to be one. */
export const unlockOf = async (p: Protection, name: string): Promise<Unlock> =>
  p.kind === 'passkey' ? makePasskey(name) : { kind: 'passphrase', passphrase: p.passphrase }

type NewPassphraseProps = {
  readonly label: string
  readonly value: Passphrase
  readonly problem: Problem | null
  readonly onChange: (p: Passphrase) => void
}

export function NewPassphrase({ label, value, problem, onChange }: NewPassphraseProps) {
  const { t } = useWords()
  return (
    <div className="kw-stack">
      <PasswordInput
        label={label}
        description={t('begin.passphraseHint')}
        autoComplete="new-password"
        value={value.passphrase}
        error={problem?.first}
        onChange={e => onChange({ ...value, passphrase: e.currentTarget.value })}
      />
      <PasswordInput
        label={t('begin.passphraseAgain')}
        autoComplete="new-password"
        value={value.again}
        error={problem?.again}
        onChange={e => onChange({ ...value, again: e.currentTarget.value })}
      />
    </div>
  )
}

type ProtectProps = {
  readonly value: Protection
  readonly onChange: (p: Protection) => void
  readonly problem: Problem | null
}

export function Protect({ value, onChange, problem }: ProtectProps) {
  const { t } = useWords()
  const here = passkeysHere()
  const address = `${location.protocol}//localhost${location.port ? `:${location.port}` : ''}`
  const option = (kind: Unlock['kind'], title: string, note: string, disabled = false) => (
    <label className="kw-choice">
      <input type="radio" name="protect" checked={value.kind === kind} disabled={disabled} onChange={() => onChange({ ...value, kind })} />
      <span className="kw-choice-text">
        <strong>{title}</strong>
        <span className="kw-line-sub kw-wrap">{note}</span>
      </span>
    </label>
  )
  return (
    <fieldset className="kw-choices">
      <legend>{t('begin.protectTitle')}</legend>
      {option(
        'passkey',
        t('begin.passkey'),
        here === 'yes' ? t('begin.passkeyNote') : here === 'address' ? t('begin.passkeyAddress', { address }) : t('begin.passkeyNo'),
        here !== 'yes',
      )}
      {option('passphrase', t('begin.passphrase'), t('begin.passphraseNote'))}
      {value.kind === 'passphrase' && (
        <NewPassphrase label={t('begin.passphraseLabel')} value={value} problem={problem} onChange={p => onChange({ ...value, ...p })} />
      )}
    </fieldset>
  )
}
