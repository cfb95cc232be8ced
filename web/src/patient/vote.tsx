import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { forgetArrived, useArrived } from '#client/arrived.ts'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Digits } from '#parts/digits.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { ReadCode } from '#parts/read-code.tsx'
import { Failed } from '#parts/state.tsx'
import type { PleaView } from '#rpc/guardians.ts'
import { useWords } from '#words/context.tsx'

type Step =
  | { readonly kind: 'read' }
  | { readonly kind: 'compare'; readonly plea: PleaView }
  | { readonly kind: 'differ' }
  | { readonly kind: 'done'; readonly name: string }

const LINK = /(?:#\/recover\/|recover#)[\w-]{40,}\s*$/

/** A guardian helps somebody back in: the code is read, the digits are compared with the person, and only then is anything given. */
export function Vote() {
  const code = useArrived('recover')
  const [first, setFirst] = useState(code)
  if (code && code !== first) setFirst(code)
  return <Helping key={first} code={first} />
}

function Helping({ code }: { readonly code: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [step, setStep] = useState<Step>({ kind: 'read' })
  const reading = useDo(async (link: string) => {
    if (!LINK.test(link.trim())) throw { code: 'BAD_PLEA' }
    setStep({ kind: 'compare', plea: await api.readPlea(link) })
    forgetArrived('recover')
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link that was opened is read once
  useEffect(() => {
    if (code) reading.run(`#/recover/${code}`)
  }, [code])
  return (
    <Page
      key={step.kind}
      title={t(step.kind === 'compare' ? 'vote.compare' : 'vote.title')}
      tab={t('settings.title')}
      back={{ href: '#/guarding', label: t('guarding.title') }}
      lead={step.kind === 'read' ? t('vote.lead') : step.kind === 'compare' ? t('vote.compareNote') : undefined}
    >
      <Panel>
        {step.kind === 'read' && (
          <ReadCode
            form={LINK}
            busy={reading.busy}
            failed={reading.error !== null && <PleaFailed error={reading.error} />}
            noCamera={t('vote.noCamera')}
            paste={t('vote.paste')}
            onLink={reading.run}
          />
        )}
        {step.kind === 'compare' && (
          <Compare plea={step.plea} onDiffer={() => setStep({ kind: 'differ' })} onDone={name => setStep({ kind: 'done', name })} />
        )}
        {step.kind === 'differ' && (
          <Banner icon="check" title={t('vote.differ')} urgent>
            {t('vote.differNote')}
          </Banner>
        )}
        {step.kind === 'done' && (
          <Banner icon="check" title={t('vote.done', { name: step.name })} urgent>
            {t('vote.doneNote')}
          </Banner>
        )}
      </Panel>
    </Page>
  )
}

const UNREADABLE = new Set<unknown>(['BAD_PLEA', 'BAD_INPUT', 'BAD_CBOR', 'TRUNCATED'])

function PleaFailed({ error }: { readonly error: unknown }) {
  const { t } = useWords()
  if (!UNREADABLE.has((error as { code?: unknown } | null)?.code)) return <Failed error={error} />
  return (
    <Banner tone="bad" urgent>
      {t('vote.badLink')}
    </Banner>
  )
}

type CompareProps = { readonly plea: PleaView; readonly onDiffer: () => void; readonly onDone: (name: string) => void }

function Compare({ plea, onDiffer, onDone }: CompareProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const only = plea.people.length === 1 ? plea.people[0] : undefined
  const [did, setDid] = useState(only?.did ?? '')
  const chosen = plea.people.find(p => p.did === did)
  const voting = useDo(async (who: { readonly did: string; readonly name: string }) => {
    await api.helpBack(who.did)
    onDone(who.name)
  })
  if (!plea.people.length)
    return (
      <Banner tone="warn" urgent>
        {t('vote.nobody')}
      </Banner>
    )
  return (
    <div className="kw-stack">
      <fieldset className="kw-choices">
        <legend>{t('vote.whose')}</legend>
        {plea.people.map(p => (
          <label key={p.did} className="kw-choice">
            <input type="radio" name="whose" checked={p.did === did} onChange={() => setDid(p.did)} />
            <span className="kw-choice-text">
              <strong>{p.name}</strong>
            </span>
          </label>
        ))}
      </fieldset>
      <Digits text={plea.digits} label={t('vote.compare')} />
      <Banner tone="warn">{t('vote.sure')}</Banner>
      <p className="kw-dim kw-small">{t('vote.until', { device: plea.device, time: words.time(plea.until) })}</p>
      {voting.error !== null && <Failed error={voting.error} />}
      <div className="kw-row">
        <Button onClick={() => chosen && voting.run(chosen)} loading={voting.busy} disabled={!chosen}>
          {t('vote.yes')}
        </Button>
        <Button variant="default" onClick={onDiffer} disabled={voting.busy}>
          {t('vote.no')}
        </Button>
      </div>
    </div>
  )
}
