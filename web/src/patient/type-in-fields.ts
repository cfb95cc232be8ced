import type { IconName } from '#parts/icon.tsx'
import type { Measures, Typed, TypedKind } from '#rpc/entry.ts'
import type { Key } from '#words/en.ts'
import type { Words } from '#words/words.ts'
import { instantOf, localOf, minute, partialDate, today } from './partial-date.ts'

/** A form as it is typed: texts, and marks that are set or not. */
export type Draft = Readonly<Record<string, string | boolean>>

type Choice = { readonly value: string; readonly label: string }

export type Field = {
  readonly name: string
  readonly label: Key
  readonly hint?: Key
  readonly input: 'text' | 'area' | 'day' | 'minute' | 'partial' | 'number' | 'select' | 'check'
  readonly required?: boolean
  readonly choices?: (words: Words, measures: Measures, draft: Draft) => readonly Choice[]
  /** Shown only then. */
  readonly when?: (draft: Draft) => boolean
}

export const KINDS: readonly { readonly kind: TypedKind; readonly icon: IconName }[] = [
  { kind: 'medication', icon: 'pill' },
  { kind: 'allergy', icon: 'alert' },
  { kind: 'vaccination', icon: 'syringe' },
  { kind: 'measurement', icon: 'wave' },
  { kind: 'condition', icon: 'heart' },
  { kind: 'note', icon: 'paper' },
]
export const kindOf = (name: string): TypedKind | undefined => KINDS.find(k => k.kind === name)?.kind

const NOTE: Field = { name: 'note', label: 'type.remark', input: 'area' }
const chosen =
  (prefix: string, values: readonly string[]) =>
  (words: Words): readonly Choice[] =>
    values.map(value => ({ value, label: words.maybe(`${prefix}.${value || 'none'}`, value) }))

const isPressure = (d: Draft): boolean => d.what === 'blood-pressure'
const isOther = (d: Draft): boolean => d.what === 'other'

const unitsOf = (_: Words, { measures, units }: Measures, { what }: Draft): readonly Choice[] =>
  (measures.find(m => m.name === what)?.units ?? units).map(u => ({ value: u.code, label: u.label || '–' }))

export const FIELDS: Readonly<Record<TypedKind, readonly Field[]>> = {
  medication: [
    { name: 'name', label: 'type.medicine', hint: 'type.medicineHint', input: 'text', required: true },
    { name: 'dose', label: 'type.dose', hint: 'type.doseHint', input: 'text' },
    { name: 'state', label: 'type.taking', input: 'select', choices: chosen('type.taking', ['active', 'completed', 'stopped']) },
    { name: 'from', label: 'type.from', hint: 'type.partial', input: 'partial' },
    { name: 'until', label: 'type.until', hint: 'type.partial', input: 'partial', when: d => d.state !== 'active' },
    { name: 'reason', label: 'type.reason', input: 'text' },
    NOTE,
  ],
  allergy: [
    { name: 'substance', label: 'type.substance', hint: 'type.substanceHint', input: 'text', required: true },
    {
      name: 'category',
      label: 'type.category',
      input: 'select',
      choices: chosen('type.category', ['', 'food', 'medication', 'environment', 'biologic']),
    },
    { name: 'reaction', label: 'type.reaction', hint: 'type.reactionHint', input: 'text' },
    {
      name: 'severity',
      label: 'type.severity',
      input: 'select',
      choices: chosen('type.severity', ['', 'mild', 'moderate', 'severe']),
      when: d => d.reaction !== '',
    },
    { name: 'dangerous', label: 'type.dangerous', input: 'check' },
    { name: 'since', label: 'type.since', hint: 'type.partial', input: 'partial' },
    NOTE,
  ],
  vaccination: [
    { name: 'vaccine', label: 'type.vaccine', hint: 'type.vaccineHint', input: 'text', required: true },
    { name: 'date', label: 'type.day', hint: 'type.partial', input: 'partial', required: true },
    { name: 'dose', label: 'type.doseNumber', hint: 'type.doseNumberHint', input: 'number' },
    { name: 'where', label: 'type.where', input: 'text' },
    { name: 'manufacturer', label: 'type.manufacturer', input: 'text' },
    { name: 'lot', label: 'type.lot', hint: 'type.lotHint', input: 'text' },
    NOTE,
  ],
  measurement: [
    {
      name: 'what',
      label: 'type.what',
      input: 'select',
      choices: (words, { measures }) => [
        ...measures.map(m => ({ value: m.name, label: words.maybe(`measure.${m.name}`, m.name) })),
        { value: 'other', label: words.t('measure.other') },
      ],
    },
    { name: 'name', label: 'type.measured', hint: 'type.measuredHint', input: 'text', required: true, when: isOther },
    { name: 'value', label: 'type.value', input: 'number', required: true, when: d => !isPressure(d) },
    { name: 'value', label: 'type.upper', input: 'number', required: true, when: isPressure },
    { name: 'second', label: 'type.lower', input: 'number', required: true, when: isPressure },
    { name: 'unit', label: 'type.unit', input: 'select', choices: unitsOf },
    { name: 'laboratory', label: 'type.laboratory', input: 'check', when: isOther },
    { name: 'date', label: 'type.when', input: 'minute', required: true },
    NOTE,
  ],
  condition: [
    { name: 'name', label: 'type.conditionName', hint: 'type.conditionHint', input: 'text', required: true },
    { name: 'state', label: 'type.state', input: 'select', choices: chosen('type.state', ['active', 'remission', 'resolved']) },
    { name: 'since', label: 'type.since', hint: 'type.partial', input: 'partial' },
    { name: 'until', label: 'type.until', hint: 'type.partial', input: 'partial', when: d => d.state !== 'active' },
    NOTE,
  ],
  note: [
    { name: 'title', label: 'type.title', input: 'text', required: true },
    { name: 'text', label: 'type.text', input: 'area', required: true },
    { name: 'date', label: 'type.day', input: 'day', required: true },
  ],
}

/** A form to begin with: today, and what is said most often. */
export function emptyDraft(kind: TypedKind, now: Date): Draft {
  const texts = Object.fromEntries(FIELDS[kind].map(f => [f.name, f.input === 'check' ? false : '']))
  const day = today(now)
  const more: Readonly<Record<TypedKind, Draft>> = {
    medication: { state: 'active', from: day },
    allergy: {},
    vaccination: { date: day },
    measurement: { what: 'weight', unit: 'kg', date: minute(now) },
    condition: { state: 'active' },
    note: { date: day },
  }
  return { ...texts, ...more[kind] }
}

export const draftOf = (typed: Typed): Draft =>
  Object.fromEntries(
    FIELDS[typed.kind].map(({ name, input }) => {
      const value = (typed as unknown as Readonly<Record<string, unknown>>)[name]
      if (input === 'check') return [name, value === true]
      if (input === 'minute') return [name, localOf(String(value))]
      return [name, value === null || value === undefined ? '' : String(value)]
    }),
  )

/** After a change: another thing measured has other units. */
export function changed(draft: Draft, name: string, value: string | boolean, measures: Measures): Draft {
  const next = { ...draft, [name]: value }
  if (name !== 'what') return next
  const units = measures.measures.find(m => m.name === value)?.units ?? measures.units
  return { ...next, unit: units.some(u => u.code === draft.unit) ? draft.unit! : (units[0]?.code ?? '') }
}

export const shownFields = (kind: TypedKind, draft: Draft): readonly Field[] => FIELDS[kind].filter(f => f.when?.(draft) ?? true)

/** A number as people type it here: with a comma too. */
const numberOf = (text: string): number | null => {
  const n = Number(text.trim().replace(',', '.'))
  return text.trim() === '' || Number.isNaN(n) ? null : n
}

/** What is missing or cannot be read, by field. */
export function problemsIn(kind: TypedKind, draft: Draft): ReadonlyMap<string, Key> {
  const out = new Map<string, Key>()
  for (const { name, input, required } of shownFields(kind, draft)) {
    const value = draft[name]
    if (typeof value !== 'string') continue
    if (!value.trim()) {
      if (required) out.set(name, 'type.missing')
    } else if (input === 'number' && numberOf(value) === null) out.set(name, 'type.notNumber')
    else if (input === 'partial' && !partialDate(value)) out.set(name, 'type.notDate')
  }
  const dose = kind === 'vaccination' ? numberOf(String(draft.dose)) : null
  if (dose !== null && !(Number.isInteger(dose) && dose > 0 && dose < 100)) out.set('dose', 'type.notNumber')
  return out
}

/** A form without problems, as the vault takes it. Hidden fields say nothing. */
export function typedOf(kind: TypedKind, draft: Draft): Typed {
  const shown = new Set(shownFields(kind, draft).map(f => f.name))
  const members = FIELDS[kind].map(({ name, input }): readonly [string, unknown] => {
    const value = draft[name]
    if (typeof value !== 'string') return [name, shown.has(name) && value === true]
    const text = shown.has(name) ? value.trim() : ''
    if (input === 'number') return [name, numberOf(text)]
    if (input === 'partial') return [name, partialDate(text) ?? '']
    return [name, input === 'minute' ? instantOf(text) : text]
  })
  return { kind, ...Object.fromEntries(members) } as Typed
}

/** Whether a form speaks of a day that is yet to come, which is rare. */
export function inFuture(kind: TypedKind, draft: Draft, now: Date): boolean {
  const day = today(now)
  return shownFields(kind, draft).some(({ name, input }) => {
    const value = String(draft[name])
    const date = input === 'partial' ? partialDate(value) : input === 'day' || input === 'minute' ? value.slice(0, 10) : null
    return date !== null && date > day.slice(0, date.length)
  })
}
