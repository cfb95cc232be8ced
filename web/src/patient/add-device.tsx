import { Button, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { forgetArrived, useArrived } from '#client/arrived.ts'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Digits } from '#parts/digits.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { QrScanner } from '#parts/qr-scanner.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { NewDevice } from '#rpc/devices.ts'
import { useWords } from '#words/context.tsx'

type Step =
  | { readonly kind: 'read' }
  | { readonly kind: 'compare'; readonly device: NewDevice }
  | { readonly kind: 'differ' }
  | { readonly kind: 'done'; readonly name: string }

const LINK = /(?:#\/add-device\/|device#)[\w-]{40,}\s*$/

/** Lets a new device in: its code is read, the digits are compared by the person, and only then is anything sealed to it. */
export function AddDevice() {
  const code = useArrived('add-device')
  const [first, setFirst] = useState(code)
  // Once it was read it is forgotten, which is no reason to begin afresh; another one is.
  if (code && code !== first) setFirst(code)
  return <Admit key={first} code={first} />
}

function Admit({ code }: { readonly code: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const [step, setStep] = useState<Step>({ kind: 'read' })
  const reading = useDo(async (link: string) => {
    if (!LINK.test(link.trim())) throw { code: 'BAD_OFFER' }
    setStep({ kind: 'compare', device: await api.readOffer(link) })
    forgetArrived('add-device')
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link that was opened is read once
  useEffect(() => {
    if (code) reading.run(`#/add-device/${code}`)
  }, [code])
  // Each step is a page of its own to whoever hears it: the focus begins again at the heading.
  return (
    <Page
      key={step.kind}
      title={step.kind === 'compare' ? t('admit.compare') : t('admit.title')}
      tab={t('settings.title')}
      back={{ href: '#/settings/devices', label: t('devices.title') }}
      lead={step.kind === 'read' ? t('admit.lead') : step.kind === 'compare' ? t('admit.compareNote') : undefined}
    >
      <Panel>
        {step.kind === 'read' && <Read busy={reading.busy} error={reading.error} onLink={reading.run} />}
        {step.kind === 'compare' && (
          <Compare device={step.device} onDiffer={() => setStep({ kind: 'differ' })} onDone={name => setStep({ kind: 'done', name })} />
        )}
        {step.kind === 'differ' && (
          <Ended title={t('admit.differ')} note={t('admit.differNote')}>
            <Button variant="default" onClick={() => setStep({ kind: 'read' })}>
              {t('app.retry')}
            </Button>
          </Ended>
        )}
        {step.kind === 'done' && (
          <Ended title={t('admit.done', { name: step.name })} note={t('admit.doneNote')}>
            <Button component="a" href="#/settings/devices">
              {t('app.close')}
            </Button>
          </Ended>
        )}
      </Panel>
    </Page>
  )
}

type EndedProps = { readonly title: string; readonly note: string; readonly children: ReactNode }

const Ended = ({ title, note, children }: EndedProps) => (
  <div className="kw-stack">
    <Banner icon="check" title={title} urgent>
      {note}
    </Banner>
    <div>{children}</div>
  </div>
)

type ReadProps = { readonly busy: boolean; readonly error: unknown; readonly onLink: (link: string) => void }

const hasCamera = (): boolean => window.isSecureContext && 'mediaDevices' in navigator

function Read({ busy, error, onLink }: ReadProps) {
  const { t } = useWords()
  const [camera, setCamera] = useState<'off' | 'on' | 'failed'>(hasCamera() ? 'off' : 'failed')
  const [text, setText] = useState('')
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    onLink(text)
  }
  const found = (link: string): boolean => {
    if (!LINK.test(link)) return false
    setCamera('off')
    onLink(link)
    return true
  }
  if (busy) return <Waiting />
  return (
    <div className="kw-stack kw-form">
      {camera === 'off' && (
        <div>
          <Button leftSection={<Icon name="scan" size={20} />} onClick={() => setCamera('on')}>
            {t('admit.scan')}
          </Button>
        </div>
      )}
      {camera === 'on' && (
        <>
          <p role="status">{t('admit.scanning')}</p>
          <QrScanner label={t('admit.picture')} onText={found} onFailed={() => setCamera('failed')} />
          <div>
            <Button variant="default" onClick={() => setCamera('off')}>
              {t('admit.stop')}
            </Button>
          </div>
        </>
      )}
      {camera === 'failed' && <Banner icon="scan">{t('admit.noCamera')}</Banner>}
      <form className="kw-stack" onSubmit={submit}>
        <Textarea
          label={t('admit.or')}
          rows={3}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={e => setText(e.currentTarget.value)}
        />
        {error !== null && <OfferFailed error={error} />}
        <div>
          <Button type="submit" variant="default" disabled={!text.trim()}>
            {t('admit.read')}
          </Button>
        </div>
      </form>
    </div>
  )
}

/** What went wrong, where the general words would speak of invitations. */
function OfferFailed({ error }: { readonly error: unknown }) {
  const { t } = useWords()
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'BAD_OFFER' || code === 'BAD_INPUT' || code === 'BAD_CBOR')
    return (
      <Banner tone="bad" urgent>
        {t('admit.badLink')}
      </Banner>
    )
  if (code === 'INVITATION_USED' || code === 'UNKNOWN_PARTY' || code === 'ERASED')
    return (
      <Banner tone="warn" icon="clock" urgent>
        {t('admit.expired')}
      </Banner>
    )
  return <Failed error={error} />
}

type CompareProps = { readonly device: NewDevice; readonly onDiffer: () => void; readonly onDone: (name: string) => void }

function Compare({ device, onDiffer, onDone }: CompareProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [name, setName] = useState(device.name)
  const admitting = useDo(async () => {
    const called = name.trim() || device.name
    await api.admit(called)
    onDone(called)
  })
  return (
    <div className="kw-stack">
      <Digits text={device.digits} label={t('admit.compare')} />
      <div className="kw-form">
        <TextInput label={t('admit.name')} maxLength={60} value={name} onChange={e => setName(e.currentTarget.value)} />
      </div>
      {admitting.error !== null && <OfferFailed error={admitting.error} />}
      <div className="kw-row">
        <Button onClick={() => admitting.run()} loading={admitting.busy}>
          {t('admit.yes')}
        </Button>
        <Button variant="default" onClick={onDiffer} disabled={admitting.busy}>
          {t('admit.no')}
        </Button>
      </div>
    </div>
  )
}
