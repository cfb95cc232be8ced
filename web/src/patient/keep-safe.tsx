import { Button } from '@mantine/core'
import type { ComponentProps } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'

type Hint = Pick<ComponentProps<typeof Banner>, 'tone' | 'icon'> & {
  readonly title: string
  readonly note: string
  /** Where each of its buttons leads. */
  readonly go: readonly (readonly [href: string, label: string])[]
  readonly onLater?: () => void
}

/** What the person is reminded of, with the places where something can be done about it; where `onLater` is given it can be put off. */
function Hint({ title, note, go, onLater, ...banner }: Hint) {
  const { t } = useWords()
  return (
    <Banner {...banner} title={title}>
      <p>{note}</p>
      <div className="kw-row kw-actions">
        {go.map(([href, label]) => (
          <Button key={href} component="a" href={href} size="sm" variant={onLater ? 'default' : 'filled'}>
            {label}
          </Button>
        ))}
        {onLater && (
          <Button size="sm" variant="subtle" onClick={onLater}>
            {t('safe.later')}
          </Button>
        )}
      </div>
    </Banner>
  )
}

/** Said gently where a record opens on one device alone and there is no backup of it. */
export function KeepSafe({ hidden, onLater }: { readonly hidden: boolean; readonly onLater: () => void }) {
  const { t, day } = useWords()
  const { api, me } = useVault()
  const { value } = useAsk(() => api.safety(null), [], ['records', 'guardians'])
  // New keys were made and their words never checked: whoever left in between has no words that open anything.
  if (value && !value.wordsChecked)
    return <Hint tone="warn" title={t('safe.wordsTitle')} note={t('safe.wordsNote')} go={[['#/settings/keys', t('keys.go')]]} />
  if (me.sample || !value) return null
  const guardians: Pick<Hint, 'go'> = { go: [['#/guardians', t('safe.guardiansGo')]] }
  // Not put off: whoever had the old keys has the shares.
  if (value.guardians === 'again')
    return <Hint tone="warn" title={t('safe.guardians.again')} note={t('safe.guardiansNote.again')} {...guardians} />
  if (hidden || value.records === 0) return null
  const backup = ['#/settings/backups', t('safe.backup')] as const
  if (value.backupDue && value.backupAt) {
    const note = t('safe.dueNote', { date: day(value.backupAt) })
    return <Hint tone="warn" icon="clock" title={t('safe.due')} note={note} go={[backup]} onLater={onLater} />
  }
  if (value.devices <= 1 && !value.backupAt)
    return (
      <Hint
        icon="shield"
        title={t('safe.title')}
        note={t('safe.note')}
        go={[['#/add-device', t('safe.device')], backup]}
        onLater={onLater}
      />
    )
  if (value.guardians !== 'choose') return null
  return <Hint icon="key" title={t('safe.guardians.choose')} note={t('safe.guardiansNote.choose')} {...guardians} onLater={onLater} />
}
