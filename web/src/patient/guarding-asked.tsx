import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'

/** Said on the first screen while somebody asks to be guarded. */
export function GuardingAsked() {
  const { t } = useWords()
  const { api } = useVault()
  const { value } = useAsk(() => api.guarding(null), [], ['sharing', 'guardians'])
  return value
    ?.filter(g => g.state === 'asked')
    .map(g => (
      <Banner key={g.did} icon="person">
        <a href="#/guarding">{t('guarding.asks', { name: g.name })}</a>
      </Banner>
    ))
}
