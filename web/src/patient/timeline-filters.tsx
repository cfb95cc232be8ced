import { NativeSelect, TextInput } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { kindName, partName } from '#record/labels.ts'
import type { Life } from '#rpc/timeline.ts'
import { useWords } from '#words/context.tsx'
import type { Place } from './timeline-place.ts'

type FiltersProps = { readonly place: Place; readonly life: Life | undefined; readonly onChange: (change: Partial<Place>) => void }

/** What to look for, and in what. */
export function TimelineFilters({ place, life, onChange }: FiltersProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const parts = useAsk(() => api.compartments(null), [], ['records'])
  const kinds = [...new Set([...(life?.types ?? []), ...(place.kind ? [place.kind] : [])])]
    .map(k => ({ value: k, label: kindName(words, k) }))
    .sort((a, b) => a.label.localeCompare(b.label, words.locale))
  return (
    <search className="kw-filters">
      <TextInput
        type="search"
        aria-label={t('timeline.search')}
        placeholder={t('timeline.search')}
        leftSection={<Icon name="search" size={20} />}
        value={place.text}
        onChange={e => onChange({ text: e.currentTarget.value })}
      />
      <NativeSelect
        aria-label={t('timeline.part')}
        value={place.part}
        onChange={e => onChange({ part: e.currentTarget.value })}
        data={[
          { value: '', label: t('timeline.anyPart') },
          ...(parts.value ?? [])
            .filter(c => c.count > 0 || c.name === place.part)
            .map(c => ({ value: c.name, label: `${partName(words, c.name)} (${words.number(c.count)})` })),
        ]}
      />
      <NativeSelect
        aria-label={t('timeline.kind')}
        value={place.kind}
        onChange={e => onChange({ kind: e.currentTarget.value })}
        data={[{ value: '', label: t('timeline.anyKind') }, ...kinds]}
      />
      <More place={place} life={life} onChange={onChange} />
    </search>
  )
}

function More({ place, life, onChange }: FiltersProps) {
  const { t } = useWords()
  const authors = life?.authors ?? []
  return (
    <details open={place.from !== '' || place.to !== '' || place.author !== '' || undefined}>
      <summary>{t('life.more')}</summary>
      <div className="kw-filters-more">
        <TextInput type="date" label={t('life.from')} value={place.from} onChange={e => onChange({ from: e.currentTarget.value })} />
        <TextInput type="date" label={t('life.to')} value={place.to} onChange={e => onChange({ to: e.currentTarget.value })} />
        {(authors.length > 0 || place.author) && (
          <NativeSelect
            label={t('life.author')}
            value={place.author}
            onChange={e => onChange({ author: e.currentTarget.value })}
            data={[
              { value: '', label: t('life.anyAuthor') },
              { value: 'own', label: t('life.own') },
              ...authors.map(a => ({ value: a, label: a })),
            ]}
          />
        )}
      </div>
    </details>
  )
}
