import type { ImportItem } from '@keepwell/sdk/actions/records/import-item'
import { submitItems } from '@keepwell/sdk/actions/records/submit-items'
import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Common, Resource } from '@keepwell/sdk/health/fhir/build'
import { buildNote } from '@keepwell/sdk/health/fhir/build-note'
import { buildResult } from '@keepwell/sdk/health/fhir/build-result'
import { buildVaccination } from '@keepwell/sdk/health/fhir/build-vaccination'
import { facts } from '@keepwell/sdk/health/fhir/facts'
import { file } from '@keepwell/sdk/health/filing'
import type { NewWriting, NoteKind, WriteInput, Written } from '#rpc/clinician.ts'
import { chunksOf } from './intake.ts'
import { receivedShares } from './shares.ts'
import { purposeOf } from './sharing.ts'
import type { OpenVault } from './vault.ts'

/** LOINC codes of the notes that practices write. */
const NOTES: Readonly<Record<NoteKind, { readonly code: string; readonly display: string }>> = {
  progress: { code: '11506-3', display: 'Progress note' },
  consultation: { code: '11488-4', display: 'Consult note' },
  summary: { code: '18842-5', display: 'Discharge summary' },
  procedure: { code: '28570-0', display: 'Procedure note' },
  referral: { code: '57133-1', display: 'Referral note' },
}

/** Files something into another vault under its write consent, signed by this one. Throws NO_GRANT, DENIED. */
export const writeBack = (vault: Pick<OpenVault, 'run' | 'ctx'>, { to, purpose, person, what }: NewWriting): Promise<Written> =>
  vault.run(async ctx => {
    const patient = receivedShares(vault).find(s => s.did === to)?.name ?? ''
    const uuid = toHex(ctx.random(16)).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5')
    const recorded = new Date(ctx.clock() * 1000).toISOString()
    const common: Common = { id: uuid, patient, origin: { by: 'clinician', name: person.trim() || ctx.session.state.ring.name }, recorded }
    const resource = what.kind === 'document' ? null : built(common, what)
    async function* items(): AsyncGenerator<ImportItem> {
      if (what.kind === 'document') yield { name: what.name, size: what.file.size, chunks: () => chunksOf(what.file) }
      else yield inMemory(`${uuid}.json`, utf8(JSON.stringify(resource)))
    }
    for await (const verdict of submitItems(ctx, items(), { to, purpose: purposeOf(purpose) })) {
      if (!verdict.id) throw new KeepwellError('UNREADABLE', 'It could not be filed as it is.')
      const title = resource ? facts(resource).title : what.kind === 'document' ? what.name : ''
      const filed = verdict.compartment ?? 'inbox'
      return { title, part: resource ? file(resource).compartment : filed, filed, at: ctx.clock() }
    }
    throw new KeepwellError('BAD_INPUT', 'There was nothing to file.')
  })

const inMemory = (name: string, bytes: Uint8Array): ImportItem => ({
  name,
  size: bytes.length,
  async *chunks() {
    yield bytes
  },
})

function built(common: Common, what: Exclude<WriteInput, { kind: 'document' }>): Resource {
  const { date } = what
  ensure(/^\d{4}-\d{2}-\d{2}$/.test(date), 'BAD_INPUT', 'A day is missing.')
  if (what.kind === 'note') return buildNote(common, { title: what.title.trim(), text: what.text, date, type: NOTES[what.type] })
  if (what.kind === 'vaccination') {
    const { vaccine, lot, maker, dose, note } = what
    return buildVaccination(common, { vaccine: vaccine.trim(), date, lot, manufacturer: maker, note, ...(dose ? { dose } : {}) })
  }
  const { test, name, value, unit, low, high, note } = what
  return buildResult(common, { test, name, value, unit, date, note, ...(low === null ? {} : { low }), ...(high === null ? {} : { high }) })
}
