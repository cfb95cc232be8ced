/**
 * SNOMED CT's release format 2 (snapshot files), row by row. The operator's own release under the operator's own licence; nothing of it
 * is in this repository.
 */
import { tabRecords } from './delimited.ts'

/** Which of a release's files a name stands for; null for those that are not needed. Only snapshots are read. */
export function rf2Kind(name: string): 'concept' | 'description' | 'relationship' | 'language' | 'refset' | null {
  const file = name.slice(name.lastIndexOf('/') + 1)
  if (!/Snapshot/.test(file) || !file.endsWith('.txt')) return null
  if (/^x?sct2_Concept_/.test(file)) return 'concept'
  if (/^x?sct2_(Description|TextDefinition)_/.test(file)) return file.includes('TextDefinition') ? null : 'description'
  if (/^x?sct2_Relationship_/.test(file)) return 'relationship'
  if (/^x?der2_cRefset_(Language|.*Language)/.test(file)) return 'language'
  return /^x?der2_Refset_/.test(file) ? 'refset' : null
}

export const IS_A = '116680003'
const FULL_NAME = '900000000000003001'
const PREFERRED = '900000000000548007'
const ACTIVE = '1'

export type Rf2Row =
  | { readonly kind: 'concept'; readonly code: string; readonly active: boolean; readonly effective: string }
  | {
      readonly kind: 'description'
      readonly id: string
      readonly code: string
      readonly term: string
      readonly language: string
      readonly full: boolean
    }
  | { readonly kind: 'relationship'; readonly source: string; readonly type: string; readonly target: string }
  | { readonly kind: 'preferred'; readonly refset: string; readonly description: string }
  | { readonly kind: 'member'; readonly refset: string; readonly code: string }

/** Rows that count: active ones, and concepts that are not. */
export async function* readRf2(name: string, lines: AsyncIterable<string>): AsyncGenerator<Rf2Row> {
  const kind = rf2Kind(name)
  if (!kind) return
  for await (const row of tabRecords(lines)) {
    const at = (column: string): string => row.get(column) ?? ''
    const active = at('active') === ACTIVE
    if (kind === 'concept') yield { kind, code: at('id'), active, effective: at('effectiveTime') }
    else if (!active) continue
    else if (kind === 'description')
      yield { kind, id: at('id'), code: at('conceptId'), term: at('term'), language: at('languageCode'), full: at('typeId') === FULL_NAME }
    else if (kind === 'relationship') yield { kind, source: at('sourceId'), type: at('typeId'), target: at('destinationId') }
    else if (kind === 'refset') yield { kind: 'member', refset: at('refsetId'), code: at('referencedComponentId') }
    else if (at('acceptabilityId') === PREFERRED)
      yield { kind: 'preferred', refset: at('refsetId'), description: at('referencedComponentId') }
  }
}
