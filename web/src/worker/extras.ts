import { type Attached, attachedTo } from '@keepwell/sdk/health/fhir/build'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { RecordLink } from '#rpc/entry.ts'
import type { Content, RecordView } from '#rpc/views.ts'
import { unbuild } from './typed.ts'
import type { OpenVault } from './vault.ts'

/** Names, on an attachment, the record it belongs to: its FHIR type and id. */
export const ATTACHED_TO = 'attachedTo'

/** What else there is to say of an opened record: what belongs to it, what is irregular about it, and whether it can be typed over. */
export async function extras(vault: OpenVault, entry: Entry, content: Content, owner: string | undefined): Promise<Extras> {
  const resource = content.kind === 'fhir' ? content.resource : null
  const owners = owner ? [...vault.entries.current()].filter(i => i.entry.card.source === owner) : []
  const found = entry.card.issues && resource ? (await loadChecker())(resource) : []
  return {
    links: [...linksOf(vault, attachedTo(resource)), ...owners.map(({ row }) => ({ id: row.id, title: row.title, type: row.type }))],
    irregular: found.map(({ severity, path, text }) => ({ serious: severity === 'error', path, text })),
    typed: entry.state === 'own' && resource !== null && unbuild(resource) !== null,
  }
}

type Extras = Pick<RecordView, 'links' | 'irregular' | 'typed'>
export const NO_EXTRAS: Extras = { links: [], irregular: [], typed: false }

/** Records that are pointed to, as far as they are here; what was erased is left out. */
export const linksOf = (vault: OpenVault, attached: readonly Attached[]): RecordLink[] =>
  attached.flatMap(({ id }) => {
    const found = vault.entries.get(id)
    return found ? [{ id, title: found.row.title, type: found.row.type }] : []
  })
