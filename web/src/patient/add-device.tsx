import { Button, TextInput } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { forgetArrived, useArrived } from '#client/arrived.ts'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Digits } from '#parts/digits.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { ReadCode } from '#parts/read-code.tsx'
import { Failed } from '#parts/state.tsx'
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
        {step.kind === 'read' && (
          <ReadCode
            form={LINK}
            busy={reading.busy}
            failed={reading.error !== null && <OfferFailed error={reading.error} />}
            noCamera={t('admit.noCamera')}
            paste={t('admit.or')}
            onLink={reading.run}
          />
        )}
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
