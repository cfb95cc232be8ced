import { Button, TextInput } from '@mantine/core'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { isGuarded } from '#client/guard.ts'
import { useDo } from '#client/use-do.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { HospitalBegun, HospitalView } from '#rpc/hospitals.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { ChooseHospital } from './hospital-choose.tsx'

type ConnectProps = {
  /** The connection whose login is renewed; null for a new one. */
  readonly again: HospitalView | null
  readonly onClose: (() => void) | null
}

type Found = HospitalBegun | { readonly kind: 'unguarded' }

const SAID: Readonly<Record<string, Key>> = {
  BAD_INPUT: 'hospital.badAddress',
  NOT_SUPPORTED: 'hospital.noLogin',
  DENIED: 'hospital.refused',
}

/** Asks where a hospital's login is, and goes there in this tab. */
export function ConnectHospital({ again, onClose }: ConnectProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [address, setAddress] = useState(again?.base ?? '')
  const [label, setLabel] = useState(again?.label ?? '')
  const [client, setClient] = useState('')
  const [code, setCode] = useState('')
  const [found, setFound] = useState<Found | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const finding = useDo(async () => {
    setFound(null)
    if (!(await isGuarded())) return setFound({ kind: 'unguarded' })
    const asked = { address: address.trim(), label: label.trim(), client: client.trim(), code: code.trim(), again: again?.id ?? null }
    setFound(await api.beginHospital(asked))
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (address.trim()) finding.run()
  }
  if (found?.kind === 'go') return <Leave found={found} onClose={() => setFound(null)} />
  const said = SAID[String((finding.error as { code?: unknown } | null)?.code)]
  const knows = found?.kind === 'needs-id'
  return (
    <Panel title={again ? again.label : t('hospital.which')}>
      <form className="kw-stack kw-form" onSubmit={submit} noValidate>
        {!again && (
          <ChooseHospital
            onChoose={({ name, base }) => {
              setAddress(base)
              setLabel(name.slice(0, 120))
              field.current?.focus()
            }}
          />
        )}
        <TextInput
          ref={field}
          label={t('hospital.address')}
          description={t('hospital.addressNote')}
          type="url"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          maxLength={2000}
          disabled={again !== null}
          value={address}
          onChange={e => setAddress(e.currentTarget.value)}
        />
        {!again && (
          <TextInput
            label={t('hospital.name')}
            description={t('hospital.nameNote')}
            autoComplete="off"
            maxLength={120}
            value={label}
            onChange={e => setLabel(e.currentTarget.value)}
          />
        )}
        {found && found.kind !== 'needs-id' && (
          <Banner tone="warn" icon={found.kind === 'silent' ? 'offline' : 'alert'} urgent>
            {t(`hospital.${found.kind}`)}
          </Banner>
        )}
        {knows && (
          <Banner tone="warn" icon="key" urgent>
            <p>{t('hospital.needsId')}</p>
            <TextInput label={t('hospital.redirect')} readOnly value={found.redirect} />
            <CopyButton text={found.redirect} label={t('app.copy')} done={t('app.copied')} />
          </Banner>
        )}
        <details className="kw-more" {...(knows ? { open: true } : {})}>
          <summary>{t('hospital.known')}</summary>
          <div className="kw-stack">
            <TextInput
              label={t('hospital.client')}
              description={t('hospital.clientNote')}
              autoComplete="off"
              spellCheck={false}
              maxLength={500}
              value={client}
              onChange={e => setClient(e.currentTarget.value)}
            />
            <TextInput
              label={t('hospital.code')}
              description={t('hospital.codeNote')}
              autoComplete="off"
              spellCheck={false}
              maxLength={4000}
              value={code}
              onChange={e => setCode(e.currentTarget.value)}
            />
          </div>
        </details>
        {said ? (
          <Banner tone="warn" urgent>
            {t(said)}
          </Banner>
        ) : (
          finding.error !== null && <Failed error={finding.error} />
        )}
        <div className="kw-row">
          <Button type="submit" loading={finding.busy} disabled={!address.trim()}>
            {t('hospital.find')}
          </Button>
          {onClose && (
            <Button variant="default" onClick={onClose}>
              {t('app.cancel')}
            </Button>
          )}
        </div>
        {finding.busy && <p role="status">{t('hospital.finding')}</p>}
      </form>
    </Panel>
  )
}

type LeaveProps = { readonly found: Extract<HospitalBegun, { kind: 'go' }>; readonly onClose: () => void }

/** Says where the tab goes before it does. */
function Leave({ found, onClose }: LeaveProps) {
  const { t } = useWords()
  const go = useRef<HTMLButtonElement>(null)
  useEffect(() => go.current?.focus(), [])
  return (
    <Panel title={t('hospital.found', { host: found.host })} icon="key">
      <div className="kw-stack">
        <ul className="kw-bullets">
          <li>{t('hospital.leave1')}</li>
          <li>{t('hospital.leave2')}</li>
        </ul>
        <div className="kw-row">
          <Button ref={go} onClick={() => location.assign(found.url)}>
            {t('hospital.go')}
          </Button>
          <Button variant="default" onClick={onClose}>
            {t('app.cancel')}
          </Button>
        </div>
      </div>
    </Panel>
  )
}
