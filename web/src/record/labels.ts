import type { Row } from '#rpc/views.ts'
import { codeLabel, typeLabel, unitLabel } from '#words/fhir.ts'
import type { Words } from '#words/words.ts'

export const partName = (words: Words, part: string): string => words.maybe(`part.${part}`, part)
export const partAbout = (words: Words, part: string): string => words.maybe(`about.${part}`, '')
export const purposeName = (words: Words, code: string): string => words.maybe(`purpose.${code}`, code)
export const kindName = (words: Words, type: string): string => typeLabel(words.locale, type)
export const statusName = (words: Words, status: string): string => codeLabel(words.locale, status)

/** A measurement's title is its name and its value. */
export function splitValue(title: string): { readonly name: string; readonly value: string } {
  const at = title.lastIndexOf(': ')
  return at < 0 ? { name: title, value: '' } : { name: title.slice(0, at), value: title.slice(at + 2) }
}

/** A title with its unit as people write it. */
export function titleText(title: string): string {
  const { name, value } = splitValue(title)
  return value ? `${name}: ${unitLabel(value)}` : title
}

/** What a list says of a record under its title. */
export function rowSub(words: Words, row: Row): string {
  return [
    kindName(words, row.type),
    partName(words, row.compartment),
    row.waiting && words.t('offline.waiting'),
    row.author && words.t('timeline.by', { name: row.author }),
    row.heldByAuthor && words.t('timeline.heldByAuthor'),
    row.trust === 'unverified' && words.t('timeline.unverified'),
  ]
    .filter(Boolean)
    .join(' · ')
}
