import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'

/** New keys were made and their words never checked: whoever left in between has no words that open anything. */
function NoWords() {
  const { t } = useWords()
  return (
    <Banner tone="warn" title={t('safe.wordsTitle')}>
      <p>{t('safe.wordsNote')}</p>
      <div className="kw-actions">
        <Button component="a" href="#/settings/keys" size="sm">
          {t('keys.go')}
        </Button>
      </div>
    </Banner>
  )
}

function GuardiansOwed({ owed, onLater }: { readonly owed: 'choose' | 'again'; readonly onLater?: () => void }) {
  const { t } = useWords()
  return (
    <Banner {...(owed === 'again' ? { tone: 'warn' as const } : { icon: 'key' as const })} title={t(`safe.guardians.${owed}`)}>
      <p>{t(`safe.guardiansNote.${owed}`)}</p>
      <div className="kw-row kw-actions">
        <Button component="a" href="#/guardians" size="sm" variant="default">
          {t('safe.guardiansGo')}
        </Button>
        {onLater && (
          <Button size="sm" variant="subtle" onClick={onLater}>
            {t('safe.later')}
          </Button>
        )}
      </div>
    </Banner>
  )
}

function BackupDue({ at, onLater }: { readonly at: number; readonly onLater: () => void }) {
  const words = useWords()
  const { t } = words
  return (
    <Banner tone="warn" icon="clock" title={t('safe.due')}>
      <p>{t('safe.dueNote', { date: words.day(at) })}</p>
      <div className="kw-row kw-actions">
        <Button component="a" href="#/settings/backups" size="sm" variant="default">
          {t('safe.backup')}
        </Button>
        <Button size="sm" variant="subtle" onClick={onLater}>
          {t('safe.later')}
        </Button>
      </div>
    </Banner>
  )
}

/** Said gently where a record opens on one device alone and there is no backup of it. */
export function KeepSafe({ hidden, onLater }: { readonly hidden: boolean; readonly onLater: () => void }) {
  const { t } = useWords()
  const { api, me } = useVault()
  const { value } = useAsk(() => api.safety(null), [], ['records', 'guardians'])
  if (value && !value.wordsChecked) return <NoWords />
  if (me.sample || !value) return null
  // Not put off: whoever had the old keys has the shares.
  if (value.guardians === 'again') return <GuardiansOwed owed="again" />
  if (hidden || value.records === 0) return null
  if (value.backupDue && value.backupAt) return <BackupDue at={value.backupAt} onLater={onLater} />
  if (value.devices > 1 || value.backupAt) return value.guardians === 'choose' ? <GuardiansOwed owed="choose" onLater={onLater} /> : null
  return (
    <Banner icon="shield" title={t('safe.title')}>
      <p>{t('safe.note')}</p>
      <div className="kw-row kw-actions">
        <Button component="a" href="#/add-device" size="sm" variant="default">
          {t('safe.device')}
        </Button>
        <Button component="a" href="#/settings/backups" size="sm" variant="default">
          {t('safe.backup')}
        </Button>
        <Button size="sm" variant="subtle" onClick={onLater}>
          {t('safe.later')}
        </Button>
      </div>
    </Banner>
  )
}
