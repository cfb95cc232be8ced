/** Words of the narrative (`_text`) or of everything (`_content`): every word asked for must begin a word of the resource. */
import { field, type JsonObject } from '#health/fhir/read'
import { fold } from './fold.ts'
import { everything, intersection, type Plan } from './plan.ts'
import { texts } from './string-index.ts'
import type { FhirResource } from './types.ts'

export type TextIndex = { readonly add: (row: number, resource: FhirResource) => void; readonly ask: (text: string, rows: number) => Plan }

const words = (text: string): string[] => fold(text).match(/[\p{L}\p{N}]+/gu) ?? []
const plain = (html: string): string => html.replace(/<[^>]*>/g, ' ').replace(/&[a-z]+;|&#x?[0-9a-f]+;/gi, ' ')

/** Addresses and ids are not what a person looks for in a text. */
const NO_CONTENT = new Set(['resourceType', 'id', 'meta', 'system', 'url', 'reference'])
const MAX_DEPTH = 60

function visit(value: unknown, take: (text: string) => void, depth = 0): void {
  if (typeof value === 'string') take(value.startsWith('<') ? plain(value) : value)
  else if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return
  else if (Array.isArray(value)) for (const item of value) visit(item, take, depth + 1)
  else for (const key in value) if (!NO_CONTENT.has(key)) visit((value as JsonObject)[key], take, depth + 1)
}

/** Most strings of a record come again and again: systems, codes, names. */
const MAX_KNOWN = 50_000

export function textIndex(of: 'narrative' | 'content'): TextIndex {
  const all = texts()
  const known = new Map<string, readonly string[]>()
  const wordsOf = (text: string): readonly string[] => {
    const before = known.get(text)
    if (before) return before
    const found = words(text)
    if (known.size < MAX_KNOWN && text.length < 200) known.set(text, found)
    return found
  }
  return {
    add: (row, resource) => {
      const seen = new Set<string>()
      visit(of === 'narrative' ? field(resource.text, 'div') : resource, text => {
        for (const word of wordsOf(text)) seen.add(word)
      })
      for (const word of seen) all.add(row, word)
    },
    ask: (text, rows) => {
      const plans = words(text).map(word => all.startingWith(word))
      return plans.length ? intersection(plans) : everything(rows)
    },
  }
}
