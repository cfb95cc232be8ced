import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Sign } from '#parts/icon.tsx'
import { Empty, Panel } from '#parts/page.tsx'
import { Waiting } from '#parts/state.tsx'
import { partName, purposeName, titleText } from '#record/labels.ts'
import type { Ended, ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { errorText } from '#words/error.ts'
import type { Words } from '#words/words.ts'

const DAY = 86_400
export const now = (): number => Math.floor(Date.now() / 1000)

export const scopeText = (words: Words, s: Pick<ShareView, 'compartments' | 'records'>): string =>
  s.records ? words.n('share.records', s.records) : words.list(s.compartments.map(c => partName(words, c)))

export const purposesText = (words: Words, s: Pick<ShareView, 'purposes'>): string => words.list(s.purposes.map(p => purposeName(words, p)))

const MAY = { read: 'share.mayRead', write: 'share.mayWrite', admin: 'share.mayAdmin' } as const

/** A share as one line says it. */
export function shareSub(words: Words, s: ShareView): string {
  const { t } = words
  return [
    `${t(s.level === 'read' && s.mayAdd ? 'share.mayAdmin' : MAY[s.level])}: ${scopeText(words, s)}`,
    s.level !== 'admin' && t('share.for', { purpose: purposesText(words, s) }),
    s.state === 'live' ? timeLeft(words, s.until) : t('share.until', { date: words.day(s.until) }),
  ]
    .filter(Boolean)
    .join(' · ')
}

/** How long it lasts: days, and in the last two of them the hour. */
export function timeLeft(words: Words, until: number): string {
  const left = until - now()
  if (left < 2 * DAY) return words.t('sharing.endsAt', { date: words.time(until) })
  return words.t('share.until', { date: endDay(words, until) })
}

/** The last day, and how far it is. */
export const endDay = (words: Words, until: number): string =>
  `${words.day(until)} (${words.n('sharing.daysLeft', Math.floor((until - now()) / DAY))})`

export const endsSoon = (s: Pick<ShareView, 'state' | 'until'>): boolean => s.state === 'live' && s.until - now() < 3 * DAY

/** How a share ended that is in force no more; one of or by somebody else may have been ended by them. */
export const endedKey = ({ state, of, by }: ShareView): Key =>
  state === 'expired' ? 'share.expired' : of || by ? 'share.ended' : 'share.revoked'

/** Instead of a share that ended while its page was asked for. */
export function ShareGone() {
  const { t } = useWords()
  return (
    <Panel>
      <Empty icon="share" title={t('sharing.gone')}>
        {t('sharing.goneNote')}
      </Empty>
    </Panel>
  )
}

export const Person = () => <Sign name="person" tone="brand" />

type EndProps = { readonly share: ShareView; readonly onClose: () => void; readonly onEnded: (ended: Ended) => Promise<void> }
const NAMED = 6

/** Asks before a share is ended, and names what cannot be undone: the records that were opened already. */
export function EndShare({ share, onClose, onEnded }: EndProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const { name } = share
  const reads = share.level !== 'write'
  const own = share.of === null
  const read = useAsk(async () => (reads && own ? api.readUnder(share.id) : null), [share.id])
  const ending = useDo(async () => onEnded(await api.endShare(share.id)))
  const opened = read.value?.records ?? []
  return (
    <Confirm
      open
      title={t('share.endTitle', { name })}
      cancel={t('app.cancel')}
      go={t('share.endGo')}
      busy={ending.busy}
      error={ending.error === null ? null : errorText(words, ending.error)}
      onClose={onClose}
      onGo={() => ending.run()}
    >
      <Consequences
        title={t('share.endNow')}
        items={[
          t('share.end1', { name }),
          ...(share.level === 'admin' ? [t('sharing.endAdmin', { name })] : []),
          ...(reads && own && share.records === 0 ? [t('share.end2')] : []),
        ]}
      />
      {reads && own && (
        <div className="kw-stack kw-stack-tight">
          <h3>{t('share.endNot')}</h3>
          {!read.value && read.loading ? (
            <Waiting text={t('sharing.checking')} />
          ) : !read.value ? (
            <p>{t('share.end3', { name })}</p>
          ) : opened.length ? (
            <>
              <p>{n('sharing.endTold', opened.length, { name })}</p>
              <ul className="kw-bullets">
                {opened.slice(0, NAMED).map(r => (
                  <li key={r.id}>{r.title === null ? t('sharing.erased') : titleText(r.title)}</li>
                ))}
                {opened.length > NAMED && <li>{n('sharing.andMore', opened.length - NAMED)}</li>}
              </ul>
            </>
          ) : (
            <p>{t('sharing.endNever', { name })}</p>
          )}
        </div>
      )}
    </Confirm>
  )
}

/** The dialog and its state: which share is asked about, and what became of it. */
export function useEnding(onChange: () => Promise<void>) {
  const [asked, ask] = useState<ShareView | null>(null)
  const [ended, setEnded] = useState<{ readonly name: string; readonly unreached: readonly string[] } | null>(null)
  const dialog = asked && (
    <EndShare
      share={asked}
      onClose={() => ask(null)}
      onEnded={async ({ unreached }) => {
        await onChange()
        setEnded({ name: asked.name, unreached })
        ask(null)
      }}
    />
  )
  return { ask, ended, dialog }
}
