import { NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import type { LabTestView, NoteKind, WriteInput } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { unitLabel } from '#words/fhir.ts'

export const KINDS = ['note', 'result', 'vaccination', 'document'] as const
export type Kind = (typeof KINDS)[number]
const NOTE_KINDS: readonly NoteKind[] = ['progress', 'consultation', 'summary', 'procedure', 'referral']

/** What is to be filed, or the names of the fields that are still missing. */
export type Filled = WriteInput | readonly string[]

type FormProps = { readonly onSubmit: (e: FormEvent, what: Filled) => void; readonly children: ReactNode }

export function WriteForm({ kind, ...rest }: FormProps & { readonly kind: Kind }) {
  if (kind === 'note') return <NoteForm {...rest} />
  if (kind === 'result') return <ResultForm {...rest} />
  if (kind === 'vaccination') return <VaccinationForm {...rest} />
  return <DocumentForm {...rest} />
}

/** This day, where the clinician is. */
const today = (): string => {
  const now = new Date()
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)
}

/** The labels of fields that are empty. */
const lacking = (fields: readonly (readonly [label: string, filled: boolean])[]): readonly string[] =>
  fields.flatMap(([label, filled]) => (filled ? [] : [label]))

const numberOf = (value: string | number): number | null => (value === '' || !Number.isFinite(Number(value)) ? null : Number(value))

function NoteForm({ onSubmit, children }: FormProps) {
  const { t } = useWords()
  const [type, setType] = useState<NoteKind>('progress')
  const [title, setTitle] = useState('')
  const [text, setText] = useState('')
  const [date, setDate] = useState(today)
  const filled = (): Filled => {
    const lacks = lacking([
      [t('write.noteTitle'), title.trim() !== ''],
      [t('write.noteText'), text.trim() !== ''],
      [t('write.day'), date !== ''],
    ])
    return lacks.length ? lacks : { kind: 'note', title, text, type, date }
  }
  return (
    <form className="kw-stack" noValidate onSubmit={e => onSubmit(e, filled())}>
      <div className="kw-fields">
        <NativeSelect
          label={t('write.noteKind')}
          value={type}
          onChange={e => setType(e.currentTarget.value as NoteKind)}
          data={NOTE_KINDS.map(k => ({ value: k, label: t(`note.${k}`) }))}
        />
        <TextInput label={t('write.noteTitle')} maxLength={120} value={title} onChange={e => setTitle(e.currentTarget.value)} />
        <TextInput type="date" label={t('write.day')} value={date} onChange={e => setDate(e.currentTarget.value)} />
      </div>
      <Textarea label={t('write.noteText')} rows={10} maxLength={100_000} value={text} onChange={e => setText(e.currentTarget.value)} />
      {children}
    </form>
  )
}

const OTHER = 'other'

function ResultForm({ onSubmit, children }: FormProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [test, setTest] = useState('hba1c')
  const [name, setName] = useState('')
  const [value, setValue] = useState<string | number>('')
  const [unit, setUnit] = useState('')
  const [low, setLow] = useState<string | number>('')
  const [high, setHigh] = useState<string | number>('')
  const [date, setDate] = useState(today)
  const [note, setNote] = useState('')
  const { value: tests = [] } = useAsk(() => api.labTests(null), [])
  const known = tests.find(x => x.name === test)
  const filled = (): Filled => {
    const number = numberOf(value)
    const lacks = lacking([
      [t('write.testName'), test !== OTHER || name.trim() !== ''],
      [t('write.value'), number !== null],
      [t('write.day'), date !== ''],
    ])
    if (lacks.length || number === null) return lacks
    return { kind: 'result', test, name, value: number, unit, low: numberOf(low), high: numberOf(high), date, note }
  }
  const label = (x: LabTestView): string => `${words.maybe(`test.${x.name}`, x.name)} (${unitLabel(x.unit)})`
  // A comma or a point, as the language writes it.
  const decimals = { decimalSeparator: words.locale === 'de' ? ',' : '.', hideControls: true, allowedDecimalSeparators: [',', '.'] }
  return (
    <form className="kw-stack" noValidate onSubmit={e => onSubmit(e, filled())}>
      <div className="kw-fields">
        <NativeSelect
          label={t('write.test')}
          value={test}
          onChange={e => setTest(e.currentTarget.value)}
          data={[...tests.map(x => ({ value: x.name, label: label(x) })), { value: OTHER, label: t('write.testOther') }]}
        />
        {test === OTHER && (
          <TextInput label={t('write.testName')} maxLength={120} value={name} onChange={e => setName(e.currentTarget.value)} />
        )}
        <TextInput type="date" label={t('write.day')} value={date} onChange={e => setDate(e.currentTarget.value)} />
      </div>
      <div className="kw-fields kw-fields-four">
        <NumberInput size="md" label={t('write.value')} {...decimals} value={value} onChange={setValue} />
        {known ? (
          <TextInput label={t('write.unit')} readOnly value={unitLabel(known.unit)} />
        ) : (
          <TextInput
            label={t('write.unit')}
            maxLength={40}
            autoComplete="off"
            value={unit}
            onChange={e => setUnit(e.currentTarget.value)}
          />
        )}
        <NumberInput size="md" label={t('write.low')} {...decimals} value={low} onChange={setLow} />
        <NumberInput size="md" label={t('write.high')} {...decimals} value={high} onChange={setHigh} />
      </div>
      <p className="kw-dim kw-small">{t('write.rangeHint')}</p>
      <TextInput label={t('write.comment')} maxLength={2000} value={note} onChange={e => setNote(e.currentTarget.value)} />
      {children}
    </form>
  )
}

function VaccinationForm({ onSubmit, children }: FormProps) {
  const { t } = useWords()
  const [vaccine, setVaccine] = useState('')
  const [lot, setLot] = useState('')
  const [maker, setMaker] = useState('')
  const [dose, setDose] = useState<string | number>('')
  const [date, setDate] = useState(today)
  const [note, setNote] = useState('')
  const filled = (): Filled => {
    const lacks = lacking([
      [t('write.vaccine'), vaccine.trim() !== ''],
      [t('write.day'), date !== ''],
    ])
    return lacks.length ? lacks : { kind: 'vaccination', vaccine, lot: lot.trim(), maker: maker.trim(), dose: numberOf(dose), date, note }
  }
  return (
    <form className="kw-stack" noValidate onSubmit={e => onSubmit(e, filled())}>
      <div className="kw-fields">
        <TextInput
          label={t('write.vaccine')}
          description={t('write.vaccineHint')}
          maxLength={120}
          value={vaccine}
          onChange={e => setVaccine(e.currentTarget.value)}
        />
      </div>
      <div className="kw-fields kw-fields-four">
        <TextInput label={t('write.lot')} maxLength={60} autoComplete="off" value={lot} onChange={e => setLot(e.currentTarget.value)} />
        <TextInput label={t('write.maker')} maxLength={120} value={maker} onChange={e => setMaker(e.currentTarget.value)} />
        <NumberInput size="md" label={t('write.dose')} hideControls min={1} max={20} allowDecimal={false} value={dose} onChange={setDose} />
        <TextInput type="date" label={t('write.day')} value={date} onChange={e => setDate(e.currentTarget.value)} />
      </div>
      <TextInput label={t('write.comment')} maxLength={2000} value={note} onChange={e => setNote(e.currentTarget.value)} />
      {children}
    </form>
  )
}

function DocumentForm({ onSubmit, children }: FormProps) {
  const { t } = useWords()
  const [file, setFile] = useState<File | null>(null)
  const filled = (): Filled => (file ? { kind: 'document', name: file.name, file } : [t('write.file')])
  return (
    <form className="kw-stack" noValidate onSubmit={e => onSubmit(e, filled())}>
      <label className="kw-stack kw-stack-tight">
        <span className="kw-label">{t('write.file')}</span>
        <input
          type="file"
          accept="application/pdf,image/png,image/jpeg,image/webp"
          onChange={e => setFile(e.currentTarget.files?.[0] ?? null)}
        />
      </label>
      {children}
    </form>
  )
}
