import { NativeSelect, Switch, TextInput } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { kindName, partName, purposeName } from '#record/labels.ts'
import type { Looked } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { today } from './partial-date.ts'

export type WhoFilter = {
  readonly own: boolean
  readonly text: string
  readonly who: string
  readonly share: string
  /** A kind of record, by FHIR type. */
  readonly kind: string
  readonly outcome: '' | 'allowed' | 'denied'
  readonly from: string
  readonly until: string
}
export const EVERYTHING: WhoFilter = { own: false, text: '', who: '', share: '', kind: '', outcome: '', from: '', until: '' }

/** The day of an opening, where the person is. */
const dayOf = (l: Looked): string => today(new Date(l.time * 1000))
export const inRange = (l: Looked, from: string, until: string): boolean => (!from || dayOf(l) >= from) && (!until || dayOf(l) <= until)

export function filtered(words: Words, all: readonly Looked[], f: WhoFilter): readonly Looked[] {
  const asked = f.text.toLowerCase().split(/\s+/).filter(Boolean)
  return all.filter(l => {
    if ((!f.own && l.own) || (f.who && l.did !== f.who) || (f.share && l.share !== f.share) || !inRange(l, f.from, f.until)) return false
    if ((f.kind && !l.records.some(r => r.type === f.kind)) || (f.outcome && l.denied !== (f.outcome === 'denied'))) return false
    if (!asked.length) return true
    const hay = [
      l.name,
      l.person,
      l.role,
      purposeName(words, l.purpose),
      ...l.compartments.map(c => partName(words, c)),
      ...l.records.map(r => r.title),
    ]
      .join(' ')
      .toLowerCase()
    return asked.every(word => hay.includes(word))
  })
}

type FiltersProps = { readonly all: readonly Looked[]; readonly value: WhoFilter; readonly onChange: (f: WhoFilter) => void }

/** By whom, under which share, what kinds of records, with what outcome, when, and by any word. */
export function WhoFilters({ all, value, onChange }: FiltersProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const shares = useAsk(() => api.shares(null), [], ['sharing'])
  const people = new Map(all.filter(l => !l.own).map(l => [l.did, l.name]))
  const used = new Set(all.map(l => l.share))
  const given = (shares.value?.given ?? []).filter(s => used.has(s.id))
  const shown = all.filter(l => value.own || !l.own)
  const kinds = [...new Set(shown.flatMap(l => l.records.flatMap(r => r.type ?? [])))]
    .map(type => ({ value: type, label: kindName(words, type) }))
    .sort((a, b) => a.label.localeCompare(b.label, words.locale))
  const set = (change: Partial<WhoFilter>): void => onChange({ ...value, ...change })
  return (
    <div className="kw-stack">
      <search className="kw-filters kw-who-filters">
        <TextInput
          type="search"
          aria-label={t('account.search')}
          placeholder={t('account.search')}
          leftSection={<Icon name="search" size={20} />}
          value={value.text}
          onChange={e => set({ text: e.currentTarget.value })}
        />
        <NativeSelect
          aria-label={t('account.who')}
          value={value.who}
          onChange={e => set({ who: e.currentTarget.value })}
          data={[{ value: '', label: t('account.anyone') }, ...[...people].map(([did, name]) => ({ value: did, label: name }))]}
        />
        <NativeSelect
          aria-label={t('account.share')}
          value={value.share}
          onChange={e => set({ share: e.currentTarget.value })}
          data={[
            { value: '', label: t('account.anyShare') },
            ...given.map(s => ({ value: s.id, label: `${s.name}, ${t('share.until', { date: words.day(s.until) })}` })),
          ]}
        />
        <NativeSelect
          aria-label={t('account.kind')}
          value={value.kind}
          onChange={e => set({ kind: e.currentTarget.value })}
          data={[{ value: '', label: t('account.anyKind') }, ...kinds]}
        />
        <NativeSelect
          aria-label={t('account.outcome')}
          value={value.outcome}
          onChange={e => set({ outcome: e.currentTarget.value as WhoFilter['outcome'] })}
          data={[
            { value: '', label: t('account.anyOutcome') },
            { value: 'allowed', label: t('account.allowed') },
            { value: 'denied', label: t('account.denied') },
          ]}
        />
        <TextInput type="date" label={t('account.from')} value={value.from} onChange={e => set({ from: e.currentTarget.value })} />
        <TextInput type="date" label={t('account.until')} value={value.until} onChange={e => set({ until: e.currentTarget.value })} />
      </search>
      <Switch size="md" label={t('who.own')} checked={value.own} onChange={e => set({ own: e.currentTarget.checked })} />
    </div>
  )
}
