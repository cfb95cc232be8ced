import '#parts/emergency.css'
import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { DrillView, EmergencySet, EmergencyView, Owed } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { errorText } from '#words/error.ts'
import { lengthText } from '#words/length.ts'
import { BellPanel, WouldComePanel } from './emergency-bell.tsx'
import { EmergencyCard } from './emergency-card.tsx'
import { Openings } from './emergency-openings.tsx'
import { EmergencySetUp } from './emergency-set-up.tsx'
import { WakePanel } from './emergency-wake.tsx'
import { EndButton } from './end-button.tsx'

/** The patient's side: `#/emergency`, `#/emergency/set-up`, `#/emergency/card`. */
export function Emergency({ part }: { readonly part: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.emergency(null), [], ['sharing', 'emergency', 'records'])
  if (value && part === 'card' && value.set) return <EmergencyCard />
  if (value && part === 'set-up') return <EmergencySetUp set={value.set} again={again} />
  return (
    <Page title={t('emergency.title')} tab={t('emergency.title')} lead={t('emergency.lead')} back={{ href: '#/', label: t('nav.home') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.set ? (
        <Standing view={value} set={value.set} again={again} />
      ) : (
        <Nothing view={value} again={again} />
      )}
    </Page>
  )
}

type Again = { readonly again: () => Promise<void> }
type ViewProps = Again & { readonly view: EmergencyView }

function Nothing({ view, again }: ViewProps) {
  const { t } = useWords()
  return (
    <>
      {view.openings.length > 0 && <Openings list={view.openings} again={again} />}
      <div className="kw-grid">
        <Panel title={t('emergency.how')} icon="info">
          <ul className="kw-bullets">
            {(['emergency.how1', 'emergency.how2', 'emergency.how3'] as const).map(key => (
              <li key={key}>{t(key)}</li>
            ))}
          </ul>
          <div className="kw-actions">
            <Button component="a" href="#/emergency/set-up">
              {t('emergency.go')}
            </Button>
          </div>
        </Panel>
        <Panel title={t('emergency.preview')} icon="paper">
          <Preview />
        </Panel>
        <BellPanel />
      </div>
    </>
  )
}

function Preview() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.emergencyPreview(null), [], ['records'])
  if (error && !value) return <Failed error={error} onRetry={again} />
  return (
    <div className="kw-stack">
      {value === undefined ? <Waiting /> : <CardWords words={value} />}
      <p className="kw-dim kw-small">{t('emergency.previewNote')}</p>
    </div>
  )
}

/** The plain words of a card, as a stranger's camera would show them. */
export const CardWords = ({ words }: { readonly words: string }) => (
  <p className="kw-card-words" data-testid="card-words">
    {words}
  </p>
)

function Standing({ view, set, again }: ViewProps & { readonly set: EmergencySet }) {
  return (
    <>
      {view.owed && <OwedBanner owed={view.owed} again={again} />}
      <Openings list={view.openings} again={again} />
      <div className="kw-grid">
        <CardPanel set={set} alone={view.owed === null || view.owed === 'card'} again={again} />
        <SummaryPanel />
        <CustodiansPanel set={set} />
        <RulesPanel set={set} again={again} />
        <WakePanel />
        <WouldComePanel />
        <BellPanel />
      </div>
    </>
  )
}

/** What is to be done, said until it was done. */
function OwedBanner({ owed, again }: Again & { readonly owed: Owed }) {
  const { t } = useWords()
  return (
    <Banner tone="warn" title={t('emergency.owed')}>
      <p>{t(`emergency.owed.${owed}`)}</p>
      <div className="kw-actions">
        {owed === 'card' ? (
          <Button component="a" size="sm" variant="default" href="#/emergency/card">
            {t('emergency.owedPrint')}
          </Button>
        ) : (
          <Replace again={again} />
        )}
      </div>
    </Banner>
  )
}

/** Draws a new key and card, after saying what that does. */
function Replace({ again }: Again) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [asking, setAsking] = useState(false)
  const [unreached, setUnreached] = useState<readonly string[] | null>(null)
  const replacing = useDo(async () => {
    setUnreached((await api.replaceEmergency(null)).unreached)
    await again()
    setAsking(false)
    location.hash = '#/emergency/card'
  })
  return (
    <>
      <Button size="sm" variant="default" onClick={() => setAsking(true)}>
        {t('emergency.replace')}
      </Button>
      {unreached && unreached.length > 0 && <p role="status">{t('emergency.unreached', { names: words.list(unreached) })}</p>}
      <Confirm
        open={asking}
        calm
        title={t('emergency.replaceTitle')}
        cancel={t('app.cancel')}
        go={t('emergency.replace')}
        busy={replacing.busy}
        error={replacing.error === null ? null : errorText(words, replacing.error)}
        onClose={() => setAsking(false)}
        onGo={() => replacing.run()}
      >
        <Consequences title={t('record.eraseWhat')} items={[t('emergency.replace1'), t('emergency.replace2'), t('emergency.replace3')]} />
      </Confirm>
    </>
  )
}

/** Where replacing is owed, it is offered with what is owed. */
function CardPanel({ set, alone, again }: Again & { readonly set: EmergencySet; readonly alone: boolean }) {
  const { t } = useWords()
  return (
    <Panel title={t('emergency.card')} icon="paper">
      <div className="kw-stack">
        <CardWords words={set.words} />
        <p className="kw-dim kw-small">{t('emergency.cardNote')}</p>
        <div className="kw-row">
          <Button component="a" href="#/emergency/card" leftSection={<Icon name="printer" size={19} />}>
            {t('emergency.cardOpen')}
          </Button>
          {alone && <Replace again={again} />}
        </div>
      </div>
    </Panel>
  )
}

function SummaryPanel() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.emergencySummary(null), [], ['records', 'emergency'])
  const bringing = useDo(async () => {
    await api.keepEmergencyCurrent(null)
    await again()
  })
  return (
    <Panel title={t('emergency.summary')} icon="heart">
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.current ? (
        <div className="kw-stack">
          <p className="kw-note-line">
            <Icon name="check" size={20} />
            {t('emergency.summaryCurrent')}
          </p>
          <p className="kw-dim kw-small">{t('emergency.previewNote')}</p>
        </div>
      ) : (
        <div className="kw-stack">
          <Banner tone="warn">{t('emergency.summaryOld')}</Banner>
          <h3>{t('emergency.summaryNow')}</h3>
          <CardWords words={value.words} />
          {bringing.error !== null && <Failed error={bringing.error} />}
          <div>
            <Button loading={bringing.busy} onClick={() => bringing.run()}>
              {t('emergency.current')}
            </Button>
          </div>
        </div>
      )}
    </Panel>
  )
}

function CustodiansPanel({ set }: { readonly set: EmergencySet }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [found, setFound] = useState<readonly DrillView[] | null>(null)
  const drilling = useDo(async () => setFound(await api.drillEmergency(null)))
  const stateOf = (url: string): DrillView['state'] | undefined => found?.find(f => f.url === url)?.state
  return (
    <Panel title={t('emergency.custodians')} icon="key">
      <div className="kw-stack">
        <p>{t('emergency.kOfNLong', { k: set.threshold, n: set.custodians.length })}</p>
        <ul className="kw-lines">
          {set.custodians.map(c => {
            const state = stateOf(c.url)
            return (
              <li key={c.url} className="kw-custodian" data-state={state}>
                <strong>{c.name}</strong> <span className="kw-dim kw-small">{c.url}</span>
                <span className="kw-block">
                  {state
                    ? t(`emergency.${state}`)
                    : c.drilledAt
                      ? t('emergency.drilled', { date: words.time(c.drilledAt) })
                      : t('emergency.undrilled')}
                </span>
              </li>
            )
          })}
        </ul>
        {found && <DrillResult found={found} threshold={set.threshold} />}
        {drilling.error !== null && <Failed error={drilling.error} />}
        <div>
          <Button variant="light" loading={drilling.busy} onClick={() => drilling.run()}>
            {t('emergency.drill')}
          </Button>
        </div>
      </div>
    </Panel>
  )
}

function DrillResult({ found, threshold: k }: { readonly found: readonly DrillView[]; readonly threshold: number }) {
  const { t } = useWords()
  const good = found.filter(f => f.state === 'holds').length
  const n = found.length
  return (
    <Banner tone={good < k ? 'bad' : good < n ? 'warn' : 'good'} urgent>
      {t(good < k ? 'emergency.drillBad' : 'emergency.drillGood', { good, n, k })}
    </Banner>
  )
}

function RulesPanel({ set, again }: Again & { readonly set: EmergencySet }) {
  const words = useWords()
  const { t } = words
  const facts: readonly (readonly [Key, string])[] = [
    ['emergency.rulePersons', words.number(set.persons)],
    ['emergency.ruleDelay', set.delay ? lengthText(words, set.delay) : t('emergency.delay0')],
    ['emergency.ruleWindow', lengthText(words, set.window)],
    ['emergency.ruleTold', set.contacts.length ? words.list(set.contacts.map(c => c.name)) : t('emergency.nobody')],
  ]
  return (
    <Panel title={t('emergency.ruleList')} icon="settings">
      <div className="kw-stack">
        <dl className="kw-facts">
          {facts.map(([label, value]) => (
            <div className="kw-contents" key={label}>
              <dt>{t(label)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <div className="kw-row">
          <Button component="a" href="#/emergency/set-up" variant="default">
            {t('emergency.change')}
          </Button>
          <End again={again} />
        </div>
      </div>
    </Panel>
  )
}

function End({ again }: Again) {
  const { t } = useWords()
  const { api } = useVault()
  return (
    <EndButton
      name={t('emergency.end')}
      title={t('emergency.endTitle')}
      go={t('emergency.endGo')}
      items={[t('emergency.end1'), t('emergency.end2'), t('emergency.replace3')]}
      end={async () => {
        await api.endEmergency(null)
        await again()
      }}
    />
  )
}
