/** What stands in which section of a patient summary, and by which rule: the newest of its kind, nothing entered in error. */
import { absenceOf } from '#health/fhir/absent'
import { facts } from '#health/fhir/facts'
import { at, codings, conceptText, field, type JsonObject, list, resourceTypeOf, string } from '#health/fhir/read'
import { MEDICINE_TYPES, medicines } from '#health/medicines'
import type { Finder } from './references.ts'

export type SectionRule = {
  readonly title: string
  /** LOINC code and name of the section. */
  readonly code: string
  readonly display: string
  /** Required ones stand in every summary, if only to say that nothing is known. */
  readonly empty?: string
  readonly pick: (record: Sorted) => readonly JsonObject[]
}

/** A person's resources by type, newest first. `today` is a FHIR date. */
export type Sorted = { readonly of: (...types: readonly string[]) => readonly JsonObject[]; readonly find: Finder; readonly today: string }

const codesAt = (r: JsonObject, path: string): readonly string[] => codings(field(r, path)).map(c => c.code)
const statusIn = (r: JsonObject, ...codes: readonly string[]): boolean => codes.includes(string(r.status) ?? '')
const verified = (r: JsonObject): boolean => !codesAt(r, 'verificationStatus').some(c => c === 'entered-in-error' || c === 'refuted')
const OVER = new Set(['inactive', 'remission', 'resolved'])
const over = (r: JsonObject): boolean =>
  codesAt(r, 'clinicalStatus').some(c => OVER.has(c)) || Object.keys(r).some(k => k.startsWith('abatement') && r[k] !== false)
const FINAL = ['final', 'amended', 'corrected', 'preliminary', 'partial', 'appended']

/** What makes two resources speak of the same thing: their first code, else their words. */
function sameness(r: JsonObject, path: string): string {
  const coding = codings(field(r, path))[0]
  return coding ? `${coding.system}|${coding.code}` : (conceptText(field(r, path)) ?? facts(r).title).toLowerCase()
}

export const newestOfEach = (all: readonly JsonObject[], path = 'code'): JsonObject[] =>
  [...Map.groupBy(all, r => sameness(r, path)).values()].map(group => group[0]!)

/** "None known" counts only where nothing else is said. */
function real(all: readonly JsonObject[], path = 'code'): readonly JsonObject[] {
  const absence = (r: JsonObject) => absenceOf(codings(field(r, path)))
  const things = all.filter(r => !absence(r))
  return things.length ? things : all.filter(r => absence(r) === 'none').slice(0, 1)
}

const observed = (record: Sorted, category: string): JsonObject[] =>
  newestOfEach(record.of('Observation').filter(r => statusIn(r, ...FINAL) && codesAt(r, 'category').includes(category)))

const REPORTS = new Set(['LAB', 'RAD', 'laboratory', 'imaging', 'PAT', 'MB', 'HM', 'CH'])
const reported = (record: Sorted): JsonObject[] =>
  newestOfEach(
    record
      .of('DiagnosticReport')
      .filter(r => statusIn(r, ...FINAL) && (list(r.result).length > 0 || codesAt(r, 'category').some(c => REPORTS.has(c)))),
  )

/** LOINC: pregnancy status, expected date of delivery (three ways to tell it). */
const PREGNANCY = new Set(['82810-3', '11778-8', '11779-6', '11780-4'])

/** HL7's consent categories that tell what is to be done when a person cannot say so. */
const DIRECTIVES = new Set(['acd', 'dnr', 'emrgonly', 'hcd', 'npo', 'polst'])

function medicationsOf(record: Sorted): readonly JsonObject[] {
  const given = record
    .of(...MEDICINE_TYPES)
    .filter(r => r.doNotPerform !== true)
    .map(resource => {
      const told = facts(resource)
      const target = record.find(string(at(resource, 'medicationReference', 'reference')) ?? '')
      return {
        resource,
        id: told.id ?? '',
        title: (target && conceptText(target.code)) ?? told.title,
        type: told.resourceType,
        date: told.dates.start ?? '',
        end: told.dates.end,
        // Better shown, with its status, than left out.
        status: told.status === 'unknown' ? 'active' : told.status,
        codes: target ? codings(target.code) : told.codes,
      }
    })
  const plan = (type: string): boolean => type === 'MedicationStatement' || type === 'MedicationRequest'
  const current = medicines(given, record.today)
    .filter(m => m.current)
    .flatMap((m): JsonObject[] => {
      const found = m.records.find(r => plan(r.type))
      return found ? [found.resource] : []
    })
  return real(current, 'medicationCodeableConcept')
}

export const SECTIONS: readonly SectionRule[] = [
  {
    title: 'Allergies and Intolerances',
    code: '48765-2',
    display: 'Allergies and adverse reactions Document',
    empty: 'There is no information about allergies in this summary.',
    pick: record =>
      newestOfEach(real(record.of('AllergyIntolerance').filter(r => verified(r) && !codesAt(r, 'clinicalStatus').includes('resolved')))),
  },
  {
    title: 'Medication Summary',
    code: '10160-0',
    display: 'History of Medication use Narrative',
    empty: 'There is no information about current medicines in this summary.',
    pick: medicationsOf,
  },
  {
    title: 'Active Problems',
    code: '11450-4',
    display: 'Problem list - Reported',
    empty: 'There is no information about health problems in this summary.',
    pick: record => newestOfEach(real(record.of('Condition').filter(r => verified(r) && !over(r)))),
  },
  {
    title: 'Immunizations',
    code: '11369-6',
    display: 'History of Immunization Narrative',
    pick: record => record.of('Immunization').filter(r => statusIn(r, 'completed')),
  },
  {
    title: 'Results',
    code: '30954-2',
    display: 'Relevant diagnostic tests/laboratory data Narrative',
    pick: record => [...observed(record, 'laboratory'), ...observed(record, 'imaging'), ...reported(record)],
  },
  {
    title: 'History of Procedures',
    code: '47519-4',
    display: 'History of Procedures Document',
    pick: record => newestOfEach(record.of('Procedure').filter(r => statusIn(r, 'completed', 'in-progress'))),
  },
  {
    title: 'Medical Devices',
    code: '46264-8',
    display: 'History of medical device use',
    pick: record => record.of('DeviceUseStatement').filter(r => statusIn(r, 'active', 'completed', 'on-hold')),
  },
  {
    title: 'Alerts',
    code: '104605-1',
    display: 'Alert',
    pick: record => record.of('Flag').filter(r => statusIn(r, 'active')),
  },
  {
    title: 'Vital Signs',
    code: '8716-3',
    display: 'Vital signs',
    pick: record => observed(record, 'vital-signs'),
  },
  {
    title: 'History of Past Problems',
    code: '11348-0',
    display: 'History of Past illness note',
    pick: record => {
      const current = new Set(
        record
          .of('Condition')
          .filter(r => verified(r) && !over(r))
          .map(r => sameness(r, 'code')),
      )
      return newestOfEach(record.of('Condition').filter(r => verified(r) && over(r) && !current.has(sameness(r, 'code'))))
    },
  },
  {
    title: 'Pregnancy',
    code: '10162-6',
    display: 'History of pregnancies Narrative',
    pick: record =>
      newestOfEach(record.of('Observation').filter(r => statusIn(r, ...FINAL) && codesAt(r, 'code').some(c => PREGNANCY.has(c)))),
  },
  {
    title: 'Social History',
    code: '29762-2',
    display: 'Social history Narrative',
    pick: record => observed(record, 'social-history'),
  },
  {
    title: 'Functional Status',
    code: '47420-5',
    display: 'Functional status assessment note',
    pick: record =>
      record
        .of('ClinicalImpression')
        .filter(r => statusIn(r, 'completed', 'in-progress'))
        .slice(0, 5),
  },
  {
    title: 'Plan of Care',
    code: '18776-5',
    display: 'Plan of care note',
    pick: record =>
      newestOfEach(
        record.of('CarePlan').filter(r => statusIn(r, 'active', 'on-hold')),
        'category',
      ),
  },
  {
    title: 'Advance Directives',
    code: '42348-3',
    display: 'Advance healthcare directives',
    pick: record =>
      record
        .of('Consent')
        .filter(r => statusIn(r, 'active') && (codesAt(r, 'scope').includes('adr') || codesAt(r, 'category').some(c => DIRECTIVES.has(c)))),
  },
]

/** Where a resource's type stands: what the section rules look through. */
export function sorted(resources: readonly JsonObject[], find: Finder, today: string): Sorted {
  const dated = resources
    .map(r => ({ r, date: facts(r).dates.start ?? '' }))
    .sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0))
  const byType = Map.groupBy(dated, d => resourceTypeOf(d.r) ?? '')
  return {
    find,
    today,
    of: (...types) =>
      types
        .flatMap(t => byType.get(t) ?? [])
        .sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0))
        .map(d => d.r),
  }
}
