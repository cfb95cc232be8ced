import '#parts/emergency.css'
import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Sign } from '#parts/icon.tsx'
import { LinkPanel } from '#parts/link-panel.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { CircleView, GuardiansView, SeatView } from '#rpc/guardians.ts'
import { useWords } from '#words/context.tsx'
import { daysText } from '#words/length.ts'
import type { Words } from '#words/words.ts'
import { EndButton } from './end-button.tsx'
import { AskPanel, InChargePanel } from './guardians-choose.tsx'

/** People who can let their friend back in: who they are, whether each still holds a share, and the ways to choose others. */
export function Guardians() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.guardians(null), [], ['sharing', 'guardians'])
  return (
    <Page
      title={t('guardians.title')}
      tab={t('settings.title')}
      lead={t('guardians.lead')}
      back={{ href: '#/settings', label: t('settings.title') }}
    >
      {error && !value ? <Failed error={error} onRetry={again} /> : !value ? <Waiting /> : <Standing view={value} again={again} />}
    </Page>
  )
}

type Again = { readonly again: () => Promise<void> }

function Standing({ view, again }: Again & { readonly view: GuardiansView }) {
  const words = useWords()
  const { t } = words
  const { inForce, coming, owed } = view
  return (
    <>
      {owed === 'again' && (
        <Banner tone="warn" title={t('guardians.again')}>
          {t('guardians.againNote')}
        </Banner>
      )}
      {coming && (
        <Banner icon="clock" title={t('guardians.coming', { time: words.time(coming.from) })}>
          {coming.circle
            ? t('guardians.comingWho', { k: coming.circle.take, names: words.list(coming.circle.seats.map(s => s.name)) })
            : t('guardians.comingNobody')}{' '}
          {t('guardians.comingWhy')}
        </Banner>
      )}
      {inForce ? <InForce circle={inForce} ending={coming?.circle === null} again={again} /> : <Nobody />}
      <InChargePanel view={view} again={again} />
      <div className="kw-grid">
        <AskPanel view={view} again={again} />
        <LinkPanel title={t('guarding.title')} icon="person" text={t('guarding.link')} href="#/guarding" go={t('guarding.go')} />
      </div>
    </>
  )
}

function Nobody() {
  const { t } = useWords()
  return (
    <Panel title={t('guardians.how')} icon="info">
      <ul className="kw-bullets">
        {(['guardians.how1', 'guardians.how2', 'guardians.how3', 'guardians.how4'] as const).map(key => (
          <li key={key}>{t(key)}</li>
        ))}
      </ul>
    </Panel>
  )
}

function InForce({ circle, ending, again }: Again & { readonly circle: CircleView; readonly ending: boolean }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [said, setSaid] = useState<string | null>(null)
  const told = (unreached: readonly string[], done: string): void =>
    setSaid(unreached.length ? t('guardians.unreached', { names: words.list(unreached) }) : done)
  const drilling = useDo(async () => told((await api.drillGuardians(null)).unreached, t('guardians.drillAsked')))
  const dealing = useDo(async () => told((await api.dealShares(null)).unreached, t('guardians.dealt')))
  return (
    <Panel title={t('guardians.inForce')} icon="key">
      <div className="kw-stack">
        <p>{t('guardians.kOfN', { k: circle.take, n: circle.seats.length, time: daysText(words, circle.delay) })}</p>
        <ul className="kw-lines">
          {circle.seats.map(seat => (
            <li key={seat.did}>
              <RecordLine wrap glyph={<Sign name="person" tone="brand" />} title={seat.name} sub={seatText(words, seat)} />
            </li>
          ))}
        </ul>
        {said && (
          <Banner icon="info" urgent>
            {said}
          </Banner>
        )}
        {drilling.error !== null && <Failed error={drilling.error} />}
        {dealing.error !== null && <Failed error={dealing.error} />}
        <div className="kw-row">
          <Button variant="light" loading={drilling.busy} onClick={() => drilling.run()}>
            {t('guardians.drill')}
          </Button>
          <Button variant="subtle" loading={dealing.busy} onClick={() => dealing.run()}>
            {t('guardians.deal')}
          </Button>
          {!ending && <End again={again} />}
        </div>
        <p className="kw-dim kw-small">{t('guardians.drillNote')}</p>
      </div>
    </Panel>
  )
}

const seatText = ({ t, time }: Words, { at, waiting }: SeatView): string => {
  const proved = at === null ? t('guardians.sent') : t('guardians.proved', { time: time(at) })
  return waiting ? `${proved} ${t('guardians.waiting')}` : proved
}

function End({ again }: Again) {
  const { t } = useWords()
  const { api } = useVault()
  return (
    <EndButton
      name={t('guardians.end')}
      title={t('guardians.endTitle')}
      go={t('guardians.endGo')}
      items={[t('guardians.end1'), t('guardians.end2')]}
      end={async () => {
        await api.endGuardians(null)
        await again()
      }}
    />
  )
}
