import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useRef } from 'react'
import type { Measures, TypedKind } from '#rpc/entry.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { type Draft, type Field, shownFields } from './type-in-fields.ts'

type FormProps = {
  readonly kind: TypedKind
  readonly draft: Draft
  readonly measures: Measures
  readonly problems: ReadonlyMap<string, Key>
  readonly busy: boolean
  readonly go: string
  readonly onChange: (name: string, value: string | boolean) => void
  readonly onSubmit: () => void
  readonly children: React.ReactNode
}

/** The fields of one kind, in order; what is wrong with one stands beside it. */
export function TypeInForm({ kind, draft, measures, problems, busy, go, onChange, onSubmit, children }: FormProps) {
  const { t } = useWords()
  const form = useRef<HTMLFormElement>(null)
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    onSubmit()
    // After React has marked them, the first field that needs a look takes the focus.
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  }
  return (
    <form ref={form} className="kw-stack kw-form" onSubmit={submit} noValidate>
      {shownFields(kind, draft).map(field => (
        <OneField
          key={`${field.name} ${field.label}`}
          field={field}
          draft={draft}
          measures={measures}
          error={problems.has(field.name) ? t(problems.get(field.name)!) : null}
          onChange={value => onChange(field.name, value)}
        />
      ))}
      {children}
      <div>
        <Button type="submit" size="lg" loading={busy}>
          {go}
        </Button>
      </div>
    </form>
  )
}

type OneProps = {
  readonly field: Field
  readonly draft: Draft
  readonly measures: Measures
  readonly error: string | null
  readonly onChange: (value: string | boolean) => void
}

const TYPES = { day: 'date', minute: 'datetime-local', text: 'text', partial: 'text', number: 'text' } as const

function OneField({ field, draft, measures, error, onChange }: OneProps) {
  const words = useWords()
  const { t } = words
  const value = draft[field.name] ?? ''
  if (field.input === 'check')
    return <Checkbox size="md" label={t(field.label)} checked={value === true} onChange={e => onChange(e.currentTarget.checked)} />
  const common = {
    label: t(field.label),
    ...(field.hint ? { description: t(field.hint) } : {}),
    value: String(value),
    error,
    required: field.required ?? false,
    withAsterisk: false,
  }
  if (field.input === 'area')
    return <Textarea {...common} autosize={false} rows={4} maxLength={20_000} onChange={e => onChange(e.currentTarget.value)} />
  if (field.input === 'select')
    return (
      <NativeSelect
        {...common}
        onChange={e => onChange(e.currentTarget.value)}
        data={[...(field.choices?.(words, measures, draft) ?? [])]}
      />
    )
  return (
    <TextInput
      {...common}
      type={TYPES[field.input]}
      inputMode={field.input === 'number' ? 'decimal' : undefined}
      maxLength={200}
      autoComplete="off"
      onChange={e => onChange(e.currentTarget.value)}
    />
  )
}
