import { NativeSelect } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { KeepChoice } from '#rpc/offline.ts'
import { useWords } from '#words/context.tsx'

const CHOICES: readonly KeepChoice[] = ['recent', 'all', 'none']

/** What of the record can be read on this device without a connection. */
export function CopiesPanel() {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const { value, again } = useAsk(() => api.standing(null), [], ['records', 'copies'])
  const choosing = useDo(async (choice: KeepChoice) => {
    await api.keepCopies(choice)
    await again()
  })
  return (
    <Panel title={t('offline.title')} icon="device" wide>
      <div className="kw-stack">
        <p className="kw-lead">{t('offline.about')}</p>
        <NativeSelect
          label={t('offline.keep')}
          value={value?.copies.choice ?? 'recent'}
          disabled={choosing.busy || !value}
          onChange={e => choosing.run(e.currentTarget.value as KeepChoice)}
          data={CHOICES.map(c => ({ value: c, label: t(`offline.keep.${c}`) }))}
        />
        {choosing.error !== null && <Failed error={choosing.error} />}
        {value && (
          <p className="kw-dim" role="status">
            {n('offline.kept', value.copies.records, { size: words.bytes(value.copies.bytes) })}
            {value.syncedAt !== null && ` · ${t('offline.news')}: ${words.time(value.syncedAt)}`}
          </p>
        )}
      </div>
    </Panel>
  )
}
