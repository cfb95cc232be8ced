import { expect } from 'vitest'
import type { Json } from '#e2e/gateway.kit'
import { errorsIn } from './ips.ts'
import type { ProfileRow } from './tables.ts'
import type { Here } from './world.ts'

/** Where a search parameter's value stands in the sample record. */
const tokenOf = (concept: Json): string => {
  const { system, code } = (Array.isArray(concept) ? concept[0] : concept)?.coding?.[0] ?? {}
  return `${system}|${code}`
}
const VALUES: Readonly<Record<string, (r: Json, patient: string) => string>> = {
  patient: (_, patient) => patient,
  _id: r => r.id,
  identifier: r => `${r.identifier[0].system}|${r.identifier[0].value}`,
  category: r => tokenOf(r.category),
  code: r => tokenOf(r.code),
  type: r => tokenOf(r.type),
  class: r => `${r.class.system}|${r.class.code}`,
  status: r => r.status,
  intent: r => r.intent,
  'clinical-status': r => tokenOf(r.clinicalStatus),
  'lifecycle-status': r => r.lifecycleStatus,
  role: r => tokenOf(r.participant[0].role),
  name: r => (Array.isArray(r.name) ? r.name[0].family : r.name),
  family: r => r.name[0].family,
  gender: r => r.gender,
  address: r => (r.address[0] ?? r.address).city,
  'address-city': r => r.address.city,
  'address-state': r => r.address.state,
  'address-postalcode': r => r.address.postalCode,
  specialty: r => tokenOf(r.specialty),
  practitioner: r => r.practitioner.reference,
  encounter: r => r.encounter.reference,
  location: r => r.location[0].location.reference,
  questionnaire: r => r.questionnaire,
  description: r => tokenOf(r.description),
  'discharge-disposition': r => tokenOf(r.hospitalization.dischargeDisposition),
}
const DATES: Readonly<Record<string, (r: Json) => string | undefined>> = {
  date: r => r.effectiveDateTime ?? r.occurrenceDateTime ?? r.performedDateTime ?? r.period?.start ?? r.date,
  birthdate: r => r.birthDate,
  'recorded-date': r => r.recordedDate,
  'death-date': r => r.deceasedDateTime,
  'asserted-date': r => r.extension[0].valueDateTime,
  'onset-date': r => r.onsetDateTime,
  'abatement-date': r => r.abatementDateTime,
  'target-date': r => r.target[0].dueDate,
  authoredon: r => r.authoredOn,
  authored: r => r.authoredOn ?? r.authored,
  period: r => r.context.period.start,
}

/** Whether this record can ask by these parameters; those that US Core defines beside R4's own it cannot. */
export const known = (names: string): boolean => names.split('+').every(n => n in VALUES || n in DATES)

async function ids({ facts, bearing }: Here, type: string, params: URLSearchParams): Promise<string[]> {
  const ask = bearing((await facts.tokens()).access_token)
  const answer = await ask('GET', `${type}?${params}`, undefined, { prefer: 'handling=strict' })
  expect([`${type}?${[...params.keys()].join('&')}`, answer.status]).toEqual([`${type}?${[...params.keys()].join('&')}`, 200])
  return (answer.body.entry ?? []).filter((e: Json) => e.search?.mode !== 'outcome').map((e: Json) => e.resource.id)
}

/** The search finds the resource by each comparator of its dates, and finds it no more when one value is another. */
export async function findsBySearch(here: Here, row: ProfileRow, names: string): Promise<void> {
  const resource = here.record[row.profile]!
  const parts = names.split('+')
  const value = (name: string): string => (VALUES[name] ? VALUES[name](resource, here.adaId) : DATES[name]!(resource)!)
  const base = parts.map((name): [string, string] => [name, value(name)])
  expect(await ids(here, row.type, new URLSearchParams(base))).toContain(resource.id)
  for (const [i, name] of parts.entries()) {
    const changed = (to: string) => new URLSearchParams(base.map((p, j): [string, string] => (i === j ? [p[0], to] : p)))
    if (name in DATES) {
      for (const comparator of ['ge', 'le'])
        expect(await ids(here, row.type, changed(`${comparator}${value(name)}`))).toContain(resource.id)
      expect(await ids(here, row.type, changed('gt2030-01-01'))).not.toContain(resource.id)
      expect(await ids(here, row.type, changed('lt1900-01-01'))).not.toContain(resource.id)
    } else if (name !== 'patient' && name !== 'status' && name !== 'gender')
      expect(
        await ids(here, row.type, changed(name === 'encounter' || name === 'practitioner' || name === 'location' ? 'none' : 'none-such')),
      ).not.toContain(resource.id)
  }
}

export async function readsBack({ facts, bearing, record }: Here, { profile, type }: ProfileRow): Promise<void> {
  const { id } = record[profile]!
  const found = await bearing((await facts.tokens()).access_token)('GET', `${type}/${id}`)
  expect([found.status, found.body.resourceType, found.body.id]).toEqual([200, type, id])
}

export async function withProvenance({ facts, bearing, record }: Here, { profile, type }: ProfileRow): Promise<void> {
  const { id } = record[profile]!
  const { body } = await bearing((await facts.tokens()).access_token)('GET', `${type}?_id=${id}&_revinclude=Provenance:target`)
  const targets = body.entry.flatMap((e: Json) => (e.resource.resourceType === 'Provenance' ? e.resource.target : []))
  expect(targets.map((t: Json) => t.reference.split('/_history')[0])).toContain(`${type}/${id}`)
}

/** By our own `$validate` and its table of the release: whoever wants HL7's package to judge gives it to the gateway. */
export async function meetsUsCore({ facts, bearing, atAda, record }: Here, { profile, type }: ProfileRow): Promise<void> {
  const { body } = await bearing((await facts.tokens()).access_token)('GET', `${type}/${record[profile]!.id}`)
  const judged = await atAda('POST', `${type}/$validate?profile=http://hl7.org/fhir/us/core/StructureDefinition/${profile}`, body)
  expect(errorsIn(judged)).toEqual([])
}
