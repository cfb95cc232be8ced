import { ensure } from '@keepwell/sdk/base/error'
import type { SmartContext } from './context.ts'
import type { ListedVisit } from './directory.ts'
import { personOf, type Staff } from './staff.ts'

type Asking = Pick<SmartContext, 'directory'>

/** The patient whom a form chose. Throws BAD_INPUT for one whom this person has nothing to do with. */
export async function patientIn({ directory }: Asking, { role }: Staff, form: URLSearchParams): Promise<string> {
  const patient = form.get('patient') ?? ''
  ensure(
    (await directory.patients(role)).some(p => p.id === patient),
    'BAD_INPUT',
    'A patient must be chosen.',
  )
  return patient
}

/** The visits in what a patient gave. Listing them reads the record: the person's name is on the receipt. */
export const visitsOf = ({ directory }: Asking, staff: Staff, patient: string): Promise<readonly ListedVisit[]> =>
  directory.visits(patient, { person: personOf(staff), role: staff.role })

/** The visit that a form chose; null for none, also where another patient was chosen since they were listed. Throws BAD_INPUT for one that is not theirs. */
export async function visitIn(smart: Asking, staff: Staff, patient: string, form: URLSearchParams): Promise<string | null> {
  const visit = form.get('of') === patient ? form.get('encounter') : null
  ensure(
    !visit || (await visitsOf(smart, staff, patient)).some(v => v.id === visit),
    'BAD_INPUT',
    'That visit is not among those of the patient; list them again.',
  )
  return visit || null
}
