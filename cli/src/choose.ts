import type { Ctx } from '@keepwell/sdk/actions/context'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { selectEntries } from '@keepwell/sdk/actions/records/select-entries'
import { equal } from '@keepwell/sdk/base/bytes'
import type { Keyring } from '@keepwell/sdk/identity/keyring'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { byCareDate, matches, type Query } from '@keepwell/sdk/records/timeline'
import type { Args, Option } from './command.ts'

/** Options by which list, timeline, export and erase choose records. */
export const CHOICE: Readonly<Record<string, Option>> = {
  search: { type: 'string', value: 'WORDS', about: 'Only records whose title, codes or type hold all these words.' },
  type: { type: 'string', value: 'TYPE', about: 'Only this FHIR type, e.g. Observation.' },
  kind: { type: 'string', value: 'KIND', about: 'Only this kind: fhir, dicom, document, wearable, genome.' },
  code: { type: 'string', value: 'CODE', about: 'Only with this code: 4548-4, or http://loinc.org|4548-4.' },
  compartment: { type: 'string', value: 'NAME', about: 'Only in this compartment.' },
  since: { type: 'string', value: 'DATE', about: 'Care on or after: 2024, 2024-05 or 2024-05-31.' },
  until: { type: 'string', value: 'DATE', about: 'Care on or before.' },
}

/** The records chosen by the options, newest care first. */
export async function choose(ctx: Pick<Ctx, 'catalog' | 'session'>, args: Args): Promise<Entry[]> {
  const { ring } = ctx.session.state
  const place = args.text('compartment')
  const id = place === undefined ? undefined : compartmentNamed(ring, place).id
  const kind = args.text('kind')
  const text = args.text('search')
  const [resourceType, code, from, to] = ['type', 'code', 'since', 'until'].map(n => args.text(n))
  const query: Query = {
    ...(text ? { text } : {}),
    ...(resourceType ? { resourceType } : {}),
    ...(code ? { code } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  }
  const wanted = (e: Entry) => (!id || equal(e.compartment, id)) && (!kind || e.card.kind === kind) && matches(e, query)
  return (await selectEntries(ctx, wanted)).sort(byCareDate)
}

export const compartmentOf = (ring: Pick<Keyring, 'compartments'>, e: Pick<Entry, 'compartment'>): string =>
  ring.compartments.find(c => equal(c.id, e.compartment))?.name ?? 'inbox'
