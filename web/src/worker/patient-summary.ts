import type { Language } from '@keepwell/adapters/paper/words'
import { summarise } from '@keepwell/sdk/actions/records/summarise'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { readSummary } from '@keepwell/sdk/health/fhir/ips/read-summary'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { loadNames, withNames } from '@keepwell/sdk/health/terminology/names'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { SummaryView } from '#rpc/links.ts'
import type { Doing } from '#rpc/own.ts'
import type { Call } from '#rpc/rpc.ts'
import type { MadeSummary, SaveSummary } from '#rpc/summary.ts'
import { elapsed } from './platform.ts'
import type { OpenVault } from './vault.ts'

/** What of the record stands in a summary of these parts: what was filed, and not what waits to be sent. */
export function summaryEntries({ entries }: OpenVault, parts: readonly string[]): Entry[] {
  const wanted = new Set(parts)
  const found = entries.current().flatMap(i => (wanted.has(i.row.compartment) && !i.row.waiting ? [i.entry] : []))
  ensure(found.length, 'BAD_INPUT', 'There is nothing in these parts to share.')
  return found
}

/** The page is told at most so often, in milliseconds. */
const PACE = 150

/** Asked for last, and what was made of it: what is saved is what was seen. */
let asked = 0
let last: { readonly id: string; readonly bundle: JsonObject } | null = null

/** The International Patient Summary of these parts, made here and sent nowhere. */
export async function makeSummary(vault: OpenVault, parts: readonly string[], { progress }: Call): Promise<MadeSummary> {
  const mine = ++asked
  let told = elapsed()
  const bundle = await summarise(vault.ctx, summaryEntries(vault, parts), (done, total) => {
    if (elapsed() - told < PACE) return
    told = elapsed()
    progress({ phase: 'writing', done, total: total ?? null, bytes: 0 } satisfies Doing)
  })
  const id = String(bundle.id)
  if (mine === asked) last = { id, bundle }
  const summary: SummaryView | null = readSummary(withNames(bundle, await loadNames()))
  ensure(summary, 'DEFECT', 'A summary that was just made cannot be read.')
  return { id, summary }
}

/** The summary that was seen, as a FHIR document or on paper. NOT_FOUND where another was made since. */
export async function saveSummary({ id, form, language }: SaveSummary): Promise<Blob> {
  ensure(last?.id === id, 'NOT_FOUND', 'That summary is not here any more; open it again.')
  if (form === 'bundle') return new Blob([utf8(JSON.stringify(last.bundle, null, 1)) as BlobPart], { type: 'application/fhir+json' })
  const { summaryPdf } = await import('@keepwell/adapters/paper/summary')
  return new Blob([(await summaryPdf(last.bundle, language satisfies Language)) as BlobPart], { type: 'application/pdf' })
}
