import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName } from '#record/labels.ts'
import { APART } from '#record/sensitive.ts'
import type { RetentionView } from '#rpc/retention.ts'
import { useWords } from '#words/context.tsx'
import { daysText, keptText } from '#words/length.ts'
import { KeepForm } from './keep-form.tsx'
import { Going } from './keep-going.tsx'

/** How long the person wants to keep what: what stands and what waits, and new rules that are seen before they are signed. */
export function Keep() {
  const { t } = useWords()
  const { api } = useVault()
  const [done, setDone] = useState<'ended' | 'done' | null>(null)
  const { value, error, again } = useAsk(
    async () => {
      const [now, parts] = await Promise.all([api.retention(null), api.compartments(null)])
      return { now, parts: parts.map(p => p.name).filter(name => !APART.has(name)) }
    },
    [],
    ['rights', 'sharing', 'news'],
  )
  const finish = async (what: 'ended' | 'done'): Promise<void> => {
    await again()
    setDone(what)
  }
  return (
    <Page title={t('keep.title')} tab={t('rights.title')} lead={t('keep.lead')} back={{ href: '#/rights', label: t('rights.title') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {done && <Banner icon="check" urgent title={t(`keep.${done}`)} />}
          {value.now.holds.map(name => (
            <Banner key={name} icon="lock" title={t('keep.held', { name })}>
              {t('keep.heldNote')}
            </Banner>
          ))}
          <Standing now={value.now} onEnded={() => finish('ended')} />
          <KeepForm
            key={value.now.signed?.at ?? 0}
            signed={value.now.signed}
            parts={value.parts}
            onChange={() => setDone(null)}
            onSigned={() => finish('done')}
          />
        </>
      )}
    </Page>
  )
}

type StandingProps = { readonly now: RetentionView; readonly onEnded: () => Promise<void> }

/** What is signed, what was announced, and the button that ends it all. */
function Standing({ now: { signed, invalid, waiting }, onEnded }: StandingProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const ending = useDo(async () => {
    await api.stopRetention(null)
    await onEnded()
  })
  if (!signed && !invalid) return null
  const end = (
    <Button variant={waiting ? 'filled' : 'default'} loading={ending.busy} onClick={() => ending.run()}>
      {t(waiting ? 'keep.endWaiting' : 'keep.end')}
    </Button>
  )
  return (
    <Panel title={t(invalid ? 'keep.notInForce' : 'keep.inForce')} icon="clock">
      <div className="kw-stack">
        {invalid && <Banner tone="bad">{t('keep.invalid')}</Banner>}
        {signed && (
          <>
            <dl className="kw-facts">
              {signed.rules.map(({ part, days }) => (
                <Rule key={part} name={partName(words, part)} text={t('keep.kept', { time: keptText(words, days) })} />
              ))}
              <Rule name={t('keep.notice')} text={daysText(words, signed.notice)} />
              <Rule name={t('keep.signed')} text={words.time(signed.at)} />
            </dl>
            <p className="kw-dim">{t('keep.agent')}</p>
          </>
        )}
        {waiting ? (
          <Banner tone="warn" icon="clock" title={n('keep.waits', waiting.count, { date: words.time(waiting.on) })}>
            <p>{t('keep.waitsNote')}</p>
            <Going going={waiting.first} of={waiting.count} />
            <div className="kw-actions">{end}</div>
          </Banner>
        ) : (
          <>
            {signed && <p>{t('keep.nothingWaits')}</p>}
            <div>{end}</div>
          </>
        )}
        {ending.error !== null && <Failed error={ending.error} />}
      </div>
    </Panel>
  )
}

const Rule = ({ name, text }: { readonly name: string; readonly text: string }) => (
  <>
    <dt>{name}</dt>
    <dd>{text}</dd>
  </>
)
