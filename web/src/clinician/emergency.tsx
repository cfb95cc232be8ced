import '#parts/emergency.css'
import { useState } from 'react'
import { Banner, Page } from '#parts/page.tsx'
import type { SessionOver } from '#rpc/clinician.ts'
import type { AskedView, CardRead, EmergencyReading } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import { AskPanel } from './emergency-ask.tsx'
import { CardInput } from './emergency-card.tsx'
import { Reading } from './emergency-reading.tsx'
import { WaitPanel } from './emergency-wait.tsx'
import { CardPanel } from './emergency-words.tsx'
import { clockText } from './time.ts'

export type Scanned = { readonly text: string; readonly read: CardRead }

/**
 * From somebody's card to their emergency summary. Card and request live in this page alone: whoever leaves it scans again, and finds what
 * was asked before.
 */
export function EmergencyAid() {
  const { t, n } = useWords()
  const [card, setCard] = useState<Scanned | null>(null)
  const [asked, setAsked] = useState<AskedView | null>(null)
  const [reading, setReading] = useState<EmergencyReading | null>(null)
  const [over, setOver] = useState<SessionOver | null>(null)
  const again = (): void => {
    setCard(null)
    setAsked(null)
    setOver(null)
  }
  if (reading && card)
    return (
      <Reading
        reading={reading}
        onOver={end => {
          setReading(null)
          setAsked(null)
          setOver(end)
        }}
      />
    )
  return (
    <Page title={t('aid.title')} tab={t('desk.title')} back={{ href: '#/desk', label: t('desk.title') }} lead={t('aid.lead')}>
      {over && (
        <Banner urgent tone={over.why === 'vetoed' ? 'warn' : 'plain'} title={t(`over.${over.why}`, { name: over.name, minutes: 10 })}>
          <p>
            <strong>{t('over.kept')}</strong> {t('over.lasted', { time: clockText(over.seconds) })}{' '}
            {n('over.receipts', over.receipts, { name: over.name })}
          </p>
        </Banner>
      )}
      {!card ? (
        <CardInput onCard={setCard} />
      ) : (
        <div className="kw-grid">
          <CardPanel read={card.read} onAnother={again} />
          {asked ? (
            <WaitPanel card={card} asked={asked} onRead={setReading} onAsked={setAsked} />
          ) : (
            <AskPanel card={card} onAsked={setAsked} />
          )}
        </div>
      )}
    </Page>
  )
}
