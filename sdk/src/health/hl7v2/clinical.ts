/** AL1, IAM, DG1, PRB, PR1 and IN1 → AllergyIntolerance, Condition, Procedure, Coverage (v2-to-FHIR segment maps). */
import { coded, some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { allergyCategory, allergyCriticality, diagnosisCertainty, problemStates, v2Table } from './codes.ts'
import { add, type Context, idOf, keyOf, note, when } from './context.ts'
import { concept, date, entityId, identifier, location, nameText, organization, period, practitioner } from './datatypes.ts'
import type { Rep, Row } from './read.ts'

/** A thing's name as a key: code and system, else its words. */
export const codeKey = (cwe: Rep | undefined): string =>
  cwe ? `${cwe.text(3) ?? ''}|${cwe.text(1) ?? cwe.text(2) ?? cwe.text(9) ?? cwe.raw}` : ''

/** A code with its system, else words. */
const reaction = (r: Rep): readonly JsonObject[] => (r.text(3) ? [concept(r)!] : r.whole() ? [{ text: r.whole() }] : [])

export function mapAllergy(c: Context, al1: Row): void {
  const code = concept(al1.first(3))
  if (!code) {
    note(c, al1, 3, 'An allergy without its substance')
    return
  }
  const category = allergyCategory(al1.text(2))
  // AL1-5 repeats free text for what happened.
  const reactions = al1.reps(5).flatMap<JsonObject>(r => reaction(r))
  const onset = when(c, al1.text(6))
  al1.text(1)
  add(
    c,
    {
      resourceType: 'AllergyIntolerance',
      id: idOf(c, 'AllergyIntolerance', c.patientKey, codeKey(al1.first(3))),
      clinicalStatus: coded('allergyintolerance-clinical', 'active'),
      ...some('category', category ? [category] : []),
      ...some('criticality', allergyCriticality(al1.text(4))),
      code,
      patient: c.patient,
      ...some('onsetDateTime', onset),
      ...some('reaction', reactions.length ? [{ manifestation: reactions }] : []),
    },
    al1,
  )
}

/** IAM: as AL1, with its own identifier and action. */
export function mapAllergyUpdate(c: Context, iam: Row): void {
  const code = concept(iam.first(3))
  if (!code) {
    note(c, iam, 3, 'An allergy without its substance')
    return
  }
  const category = allergyCategory(iam.text(2))
  const reactions = iam.reps(5).flatMap<JsonObject>(r => reaction(r))
  const removed = iam.text(6) === 'D'
  iam.text(1)
  add(
    c,
    {
      resourceType: 'AllergyIntolerance',
      id: idOf(c, 'AllergyIntolerance', c.patientKey, keyOf(c, iam.first(7)) ?? codeKey(iam.first(3))),
      ...some('identifier', iam.first(7) ? [entityId(iam.first(7)!)].filter(i => i !== undefined) : []),
      ...(removed ? {} : { clinicalStatus: coded('allergyintolerance-clinical', 'active') }),
      ...(removed ? { verificationStatus: coded('allergyintolerance-verification', 'entered-in-error') } : {}),
      ...some('category', category ? [category] : []),
      ...some('criticality', allergyCriticality(iam.text(4))),
      code,
      patient: c.patient,
      ...some('onsetDateTime', when(c, iam.text(11))),
      ...some('recordedDate', when(c, iam.text(13))),
      ...some('reaction', reactions.length ? [{ manifestation: reactions }] : []),
    },
    iam,
  )
}

export function mapDiagnosis(c: Context, dg1: Row): void {
  const words = dg1.text(4)
  const said = concept(dg1.first(3))
  const code = said ? { ...said, ...(said.text || !words ? {} : { text: words }) } : words ? { text: words } : undefined
  if (!code) {
    note(c, dg1, 3, 'A diagnosis without code or words')
    return
  }
  const removed = dg1.text(21) === 'D'
  const certainty = diagnosisCertainty(dg1.text(6))
  const visit = c.encounter?.reference as string | undefined
  const id = dg1.first(20)
  dg1.text(1)
  dg1.text(2)
  add(
    c,
    {
      resourceType: 'Condition',
      id: idOf(c, 'Condition', c.patientKey, keyOf(c, id) ?? `${visit ?? ''}|${codeKey(dg1.first(3))}|${words ?? ''}`),
      ...some('identifier', id ? [entityId(id)].filter(i => i !== undefined) : []),
      ...(removed
        ? { verificationStatus: coded('condition-ver-status', 'entered-in-error') }
        : {
            clinicalStatus: coded('condition-clinical', 'active'),
            ...(certainty ? { verificationStatus: coded('condition-ver-status', certainty) } : {}),
          }),
      category: [coded('condition-category', 'encounter-diagnosis')],
      code,
      subject: c.patient,
      ...some('encounter', c.encounter),
      ...some('onsetDateTime', when(c, dg1.text(5))),
      ...some('recordedDate', when(c, dg1.text(19))),
      ...some('asserter', practitioner(dg1.first(16))),
    },
    dg1,
  )
}

/** PRB (PPR messages): a problem with its own number and state. */
export function mapProblem(c: Context, prb: Row): void {
  const code = concept(prb.first(3))
  if (!code) {
    note(c, prb, 3, 'A problem without its code')
    return
  }
  const end = when(c, prb.text(9))
  const { clinical, verification } = problemStates(prb.text(14), end !== undefined, prb.text(1) === 'DE')
  add(
    c,
    {
      resourceType: 'Condition',
      id: idOf(c, 'Condition', c.patientKey, keyOf(c, prb.first(4)) ?? codeKey(prb.first(3))),
      ...some('identifier', prb.first(4) ? [entityId(prb.first(4)!)].filter(i => i !== undefined) : []),
      ...(clinical ? { clinicalStatus: coded('condition-clinical', clinical) } : {}),
      ...(verification ? { verificationStatus: coded('condition-ver-status', verification) } : {}),
      category: [coded('condition-category', 'problem-list-item')],
      code,
      subject: c.patient,
      ...some('encounter', c.encounter),
      ...some('onsetDateTime', when(c, prb.text(16)) ?? when(c, prb.text(7))),
      ...(clinical && clinical !== 'active' ? some('abatementDateTime', end) : {}),
      ...some('recordedDate', when(c, prb.text(2))),
    },
    prb,
  )
}

const PERFORMERS: readonly (readonly [field: number, role: string])[] = [
  [8, 'Anesthesiologist'],
  [11, 'Surgeon'],
  [12, 'Procedure practitioner'],
]

export function mapProcedure(c: Context, pr1: Row): void {
  const words = pr1.text(4)
  const code = concept(pr1.first(3)) ?? (words ? { text: words } : undefined)
  if (!code) {
    note(c, pr1, 3, 'A procedure without code or words')
    return
  }
  const removed = pr1.text(20) === 'D'
  const done = when(c, pr1.text(5))
  const performer = PERFORMERS.flatMap(([field, role]) =>
    pr1.reps(field).flatMap(r => {
      const actor = practitioner(r)
      return actor ? [{ function: { text: role }, actor }] : []
    }),
  )
  const reason = concept(pr1.first(15))
  pr1.text(1)
  pr1.text(2)
  add(
    c,
    {
      resourceType: 'Procedure',
      id: idOf(c, 'Procedure', c.patientKey, keyOf(c, pr1.first(19)) ?? `${codeKey(pr1.first(3))}|${words ?? ''}|${done ?? ''}`),
      ...some('identifier', pr1.first(19) ? [entityId(pr1.first(19)!)].filter(i => i !== undefined) : []),
      status: removed ? 'entered-in-error' : done ? 'completed' : 'unknown',
      ...some('category', concept(pr1.first(6), v2Table('0230'))),
      code: { ...code, ...(words && !('text' in code) ? { text: words } : {}) },
      subject: c.patient,
      ...some('encounter', c.encounter),
      ...some('performedDateTime', done),
      ...some('performer', performer),
      ...some('location', location(pr1.first(23))),
      ...some('reasonCode', reason ? [reason] : []),
    },
    pr1,
  )
}

const SELF = new Set(['SEL', '18', 'S'])

/** IN1 → Coverage; who pays is named, with what the segment knows of them. */
export function mapCoverage(c: Context, in1: Row): void {
  const insurer = organization(in1.first(4))
  const number = in1.first(3)
  const company = number && identifier(number, 'NIIP')
  const payor = {
    type: 'Organization',
    ...(company ? { identifier: company } : {}),
    display: insurer?.display ?? in1.text(4) ?? 'Insurer without a name',
  }
  const plan = in1.text(2)
  const holder = in1.first(16)
  const relation = concept(in1.first(17), v2Table('0063'))
  const classes = [
    ...(in1.text(8) ? [{ type: coded('coverage-class', 'group'), value: in1.text(8), ...(in1.text(9) ? { name: in1.text(9) } : {}) }] : []),
    ...(plan ? [{ type: coded('coverage-class', 'plan'), value: plan, ...(in1.text(2, 2) ? { name: in1.text(2, 2) } : {}) }] : []),
  ]
  in1.text(1)
  add(
    c,
    {
      resourceType: 'Coverage',
      id: idOf(c, 'Coverage', c.patientKey, number?.raw, plan, in1.text(36)),
      status: 'active',
      ...some('type', concept(in1.first(15), v2Table('0086'))),
      ...(holder && SELF.has((in1.text(17) ?? '').toUpperCase())
        ? { policyHolder: c.patient, subscriber: c.patient }
        : some('policyHolder', holder && nameText(holder) ? { display: nameText(holder) } : undefined)),
      ...some('subscriberId', in1.text(36) ?? in1.text(49)),
      beneficiary: c.patient,
      ...some('relationship', relation),
      ...some('period', period(date(in1.text(12)), date(in1.text(13)))),
      payor: [payor as JsonObject],
      ...some('class', classes),
      ...some('order', Number(in1.text(22)) > 0 && Number.isInteger(Number(in1.text(22))) ? Number(in1.text(22)) : undefined),
    },
    in1,
  )
}
