import { useEffect, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

/** What a person should know when this device is cut off: how old what they see is, what waits, and whether the clock is to blame. */
export function OfflineNotes() {
  const words = useWords()
  const { t, n } = words
  const { api, on, online } = useVault()
  const standing = useAsk(() => api.standing(null), [online], ['records'])
  const [ahead, setAhead] = useState(0)
  useEffect(() => on('clock', value => setAhead(typeof value === 'number' ? value : 0)), [on])
  const { syncedAt = null, waiting = 0 } = standing.value ?? {}
  return (
    <>
      {ahead !== 0 && (
        <Banner bar tone="warn" icon="clock">
          {t('offline.clock', { span: spanOf(words, Math.abs(ahead)), direction: t(ahead > 0 ? 'offline.ahead' : 'offline.behind') })}
        </Banner>
      )}
      {!online && (
        <Banner bar icon="offline">
          <span>{t('app.offline')}</span>
          <span>{syncedAt === null ? t('offline.never') : t('offline.asOf', { time: words.time(syncedAt) })}</span>
          {waiting > 0 && <span>{n('offline.waits', waiting)}</span>}
        </Banner>
      )}
      {online && waiting > 0 && (
        <Banner bar icon="clock">
          {n('offline.waits', waiting)}
        </Banner>
      )}
    </>
  )
}

/** `1 day`, `3 hours`: by the largest unit that fits. */
function spanOf(words: Words, seconds: number): string {
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const
  const [unit, size] = units.find(([, s]) => seconds >= s * 0.98) ?? units[2]
  const count = Math.max(1, Math.round(seconds / size))
  // Alone, a span of one says its unit only.
  return count === 1 ? `1 ${words.span(1, unit).trim()}` : words.span(count, unit)
}
