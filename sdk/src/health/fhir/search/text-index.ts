/** Words of the narrative (`_text`) or of everything (`_content`): every word asked for must begin a word of the resource. */
import { field, isObject } from '#health/fhir/read'
import { fold } from './fold.ts'
import { everything, intersection, type Plan } from './plan.ts'
import { texts } from './string-index.ts'
import type { FhirResource } from './types.ts'

export type TextIndex = { readonly add: (row: number, resource: FhirResource) => void; readonly ask: (text: string, rows: number) => Plan }

const words = (text: string): string[] => fold(text).match(/[\p{L}\p{N}]+/gu) ?? []
const plain = (html: string): string => html.replace(/<[^>]*>/g, ' ').replace(/&[a-z]+;|&#x?[0-9a-f]+;/gi, ' ')

function* strings(value: unknown, depth = 0): Generator<string> {
  if (typeof value === 'string') yield value.startsWith('<') ? plain(value) : value
  else if (depth > 60) return
  else if (Array.isArray(value)) for (const item of value) yield* strings(item, depth + 1)
  else if (isObject(value)) for (const item of Object.values(value)) yield* strings(item, depth + 1)
}

export function textIndex(of: 'narrative' | 'content'): TextIndex {
  const all = texts()
  return {
    add: (row, resource) => {
      const source = of === 'narrative' ? strings(field(resource.text, 'div')) : strings(resource)
      const seen = new Set<string>()
      for (const text of source) for (const word of words(text)) seen.add(word)
      for (const word of seen) all.add(row, word)
    },
    ask: (text, rows) => {
      const plans = words(text).map(word => all.startingWith(word))
      return plans.length ? intersection(plans) : everything(rows)
    },
  }
}
