import { Button } from '@mantine/core'
import { Banner } from '#parts/page.tsx'
import type { EmergencyWaiting as Waiting } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import { isOpen, OpeningTags, Veto } from './emergency-openings.tsx'

type WaitingProps = { readonly value: Waiting; readonly owed: boolean; readonly again: () => Promise<void> }

/** Said above every screen while somebody reads, or an opening was not reviewed; what is owed is said on the first. */
export function EmergencyWaiting({ value, owed, again }: WaitingProps) {
  const words = useWords()
  const { t } = words
  const past = value.openings.filter(o => !isOpen(o))
  return (
    <>
      {value.openings.filter(isOpen).map(o => (
        <Banner key={o.tag} bar urgent tone="bad" icon="alert" title={t('emergency.asked', { name: o.name, role: o.role })}>
          <p>{t('emergency.why', { reason: o.reason })}</p>
          <OpeningTags opening={o} />
          <div className="kw-row">
            <Veto opening={o} again={again} />
            <Button component="a" size="sm" variant="default" href="#/emergency">
              {t('emergency.look')}
            </Button>
          </div>
        </Banner>
      ))}
      {value.concerns.map(c => (
        <Banner key={c.id} bar urgent tone="bad" icon="alert" title={t('push.concern', { of: c.of })}>
          {t('push.concernText', { name: c.name, role: c.role, time: words.time(c.at) })}
        </Banner>
      ))}
      {past.map(o => (
        <Banner key={o.tag} bar tone="warn" icon="eye">
          <a href="#/emergency">{t('emergency.reviewOwed', { name: o.name })}</a>
        </Banner>
      ))}
      {owed && value.owed && (
        <Banner bar tone="warn" icon="key">
          <a href={value.owed === 'card' ? '#/emergency/card' : '#/emergency'}>{t(`emergency.owed.${value.owed}`)}</a>
        </Banner>
      )}
      {owed && value.asleep.length > 0 && (
        <Banner bar tone="warn" icon="bell">
          <a href="#/emergency">{t('push.asleep', { names: words.list(value.asleep) })}</a>
        </Banner>
      )}
    </>
  )
}
