import { Checkbox } from '@mantine/core'
import { partName } from '#record/labels.ts'
import { SENSITIVE } from '#record/sensitive.ts'
import type { CompartmentView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'

type PartsChoiceProps = {
  readonly legend: string
  readonly parts: readonly CompartmentView[]
  readonly chosen: readonly string[]
  readonly onChange: (chosen: readonly string[]) => void
  readonly className?: string
}

/** What is chosen for anyone, until the person says otherwise. */
export const unsensitive = (parts: readonly CompartmentView[]): string[] => parts.map(p => p.name).filter(name => !SENSITIVE.has(name))

/** Of which parts of the record something is told. */
export function PartsChoice({ legend, parts, chosen, onChange, className = 'kw-choices' }: PartsChoiceProps) {
  const words = useWords()
  return (
    <fieldset className={className}>
      <legend>{legend}</legend>
      {parts.map(({ name }) => (
        <Checkbox
          key={name}
          label={partName(words, name)}
          {...(SENSITIVE.has(name) ? { description: words.t('new.sensitive') } : {})}
          checked={chosen.includes(name)}
          onChange={() => onChange(chosen.includes(name) ? chosen.filter(x => x !== name) : [...chosen, name])}
        />
      ))}
    </fieldset>
  )
}
