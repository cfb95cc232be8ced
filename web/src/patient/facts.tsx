import { brief } from '#parts/fhir-tree.tsx'
import { Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { splitValue, statusName } from '#record/labels.ts'
import type { Detail, Fact, Person } from '#rpc/summary.ts'
import { useWords } from '#words/context.tsx'
import { unitLabel } from '#words/fhir.ts'
import type { Words } from '#words/words.ts'

/** How a medicine is taken, in words; empty when nothing says so. */
export const doseWords = (words: Words, { dosage = [] }: Detail): string =>
  dosage
    .map(d => brief(d, words))
    .filter(Boolean)
    .join('; ')

/** What stands beside a fact: its dose, what it does to the person, that it is over. */
export function factSub(words: Words, { row, over }: Fact, detail: Detail = {}): string {
  return [
    over && row.status && statusName(words, row.status),
    over && row.end && words.t('summary.until', { date: words.date(row.end) }),
    doseWords(words, detail),
    detail.reactions && words.list(detail.reactions),
  ]
    .filter(Boolean)
    .join(' · ')
}

/** A fact of the summary, leading to the record that says so. */
export function FactLine({ fact, detail }: { readonly fact: Fact; readonly detail: Detail | undefined }) {
  const words = useWords()
  const { row } = fact
  const { name, value } = row.type === 'Observation' ? splitValue(row.title) : { name: row.title, value: '' }
  const sub = value ? words.date(row.date) : factSub(words, fact, detail)
  return (
    <RecordLine
      wrap
      href={`#/record/${row.id}`}
      title={
        <>
          {name}
          {detail?.criticality === 'high' && !fact.over && (
            <>
              {' '}
              <Tag tone="bad">{words.t('summary.dangerous')}</Tag>
            </>
          )}
        </>
      }
      {...(sub ? { sub } : {})}
      {...(value ? { value: unitLabel(value) } : { side: row.date && words.date(row.date) })}
    />
  )
}

/** A person in facts: label and value, nothing that is not known. */
export function personLines(words: Words, person: Person): { readonly label: string; readonly value: string }[] {
  const { t } = words
  const lines: readonly (readonly [string, string | undefined])[] = [
    [t('person.name'), person.name],
    [t('person.born'), person.birthDate && words.date(person.birthDate)],
    [t('person.gender'), person.gender && statusName(words, person.gender)],
    [t('person.phone'), person.phone],
    [t('person.email'), person.email],
    [t('person.address'), person.address],
    [t('person.language'), person.language],
    [t('person.doctor'), person.doctor],
  ]
  return lines.flatMap(([label, value]) => (value ? [{ label, value }] : []))
}

/** Someone's part in a person's life; HL7's letters as words. */
export const relationName = (words: Words, relation: string): string => words.maybe(`relation.${relation}`, relation)
