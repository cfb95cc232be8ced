import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'

/** While the record is frozen every screen says so, with the way to where it is lifted. */
export function FrozenNote() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value } = useAsk(() => api.frozen(null), [], ['rights'])
  if (!value) return null
  return (
    <Banner bar tone="warn" icon="lock">
      {value.confirmed ? t('limits.bar', { time: words.time(value.since) }) : t('limits.barUnconfirmed')}{' '}
      <a href="#/rights">{t('limits.barGo')}</a>
    </Banner>
  )
}
