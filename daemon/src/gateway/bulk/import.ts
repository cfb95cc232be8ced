import type { ImportItem, Verdict } from '@keepwell/sdk/actions/records/import-item'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { comparePatients, patientIdentity } from '@keepwell/sdk/health/fhir/subject'
import { parseJson } from '#gateway/fhir/content'
import { asIssues, type OutcomeIssue, outcome, refuse } from '#gateway/fhir/outcome'
import type { FhirAnswer, FhirRequest } from '#gateway/fhir/route'
import { type Judged, type Judging, judged, type Line, linesIn } from './import-lines.ts'

/** The largest file that is taken at once; more of it comes in another. */
export const MAX_IMPORT = 64 << 20
const TYPES = new Set(['application/fhir+ndjson', 'application/ndjson', 'application/x-ndjson'])

/** Lines that are looked at, written and reported together: what a relay files in one step for each of their patients. */
const WINDOW = { lines: 256, bytes: 4 << 20 }

/**
 * NDJSON into patients' records, under each one's consent to write. The answer is NDJSON as well: an OperationOutcome for each line, `line-17`,
 * as they are written, and a last one with the count. A line that cannot be filed costs nothing but itself.
 */
export function importing({ gateway, base }: Omit<Judging, 'actor'>, request: FhirRequest): FhirAnswer {
  const { actor, bytes, type, signal } = request
  if (!TYPES.has(type)) throw refuse(415, 'not-supported', 'An import is NDJSON: application/fhir+ndjson.', 'http.Content-Type')
  const body = reported(windows(bytes), { gateway, actor, base }, signal)
  return { raw: { type: 'application/fhir+ndjson', body } }
}

function* windows(bytes: Uint8Array): Generator<Line[]> {
  let held: Line[] = []
  let size = 0
  for (const line of linesIn(bytes)) {
    if (held.length === WINDOW.lines || (held.length && size + line.bytes.length > WINDOW.bytes)) {
      yield held
      held = []
      size = 0
    }
    held.push(line)
    size += line.bytes.length
  }
  if (held.length) yield held
}

async function* reported(all: Iterable<Line[]>, judging: Judging, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const persons: Persons = new Map()
  const counts = { lines: 0, written: 0 }
  for (const lines of all) {
    signal.throwIfAborted()
    const seen: Judged[] = []
    for (const line of lines) seen.push(await samePerson(persons, judging, judged(line, judging)))
    const told = await written(seen, judging)
    counts.lines += seen.length
    counts.written += told.filter(t => t.written).length
    yield utf8(told.map(({ number, issues }) => `${JSON.stringify({ ...outcome(issues), id: `line-${number}` })}\n`).join(''))
  }
  const { lines, written: done } = counts
  const text = `${done} of ${lines} lines were written${done < lines ? `; not written: ${lines - done}` : ''}.`
  const severity = done < lines ? 'warning' : 'information'
  yield utf8(`${JSON.stringify({ ...outcome([{ severity, code: 'informational', text }]), id: 'summary' })}\n`)
}

type Persons = Map<string, ReturnType<typeof patientIdentity>>

/** A file may tell of a patient several times, and of nobody else in their record. */
async function samePerson(persons: Persons, judging: Judging, line: Judged): Promise<Judged> {
  if (line.refused || line.type !== 'Patient') return line
  const identity = patientIdentity(parseJson(line.bytes))
  const known = persons.get(line.patient) ?? (await inRecord(judging, line.patient))
  persons.set(line.patient, known ?? identity)
  if (!known || comparePatients(known, identity) !== 'different') return line
  const text = 'That is another person than the one whose record it is.'
  return { number: line.number, bytes: line.bytes, refused: [{ severity: 'error', code: 'business-rule', text, expression: 'Patient' }] }
}

/** Who the patient is, as far as the caller may read it. */
async function inRecord({ gateway, actor }: Judging, patient: string): Promise<ReturnType<typeof patientIdentity> | null> {
  if (!gateway.patient(patient)?.read) return null
  try {
    const session = await gateway.session(actor, patient)
    await session.ready(['Patient'])
    return patientIdentity(session.store.read('Patient', patient)?.resource)
  } catch (e) {
    if (isKeepwellError(e)) return null
    throw e
  }
}

type Report = { readonly number: number; readonly written: boolean; readonly issues: readonly OutcomeIssue[] }

/** Files the good ones, each patient's together, and says of each line what became of it, in their order. */
async function written(lines: readonly Judged[], { gateway, actor }: Judging): Promise<Report[]> {
  const reports = new Map<number, Report>()
  const good = lines.flatMap(line => (line.refused ? [] : [line]))
  for (const [patient, own] of Map.groupBy(good, l => l.patient)) {
    const verdicts = await gateway.submit(actor, patient, { items: itemsOf(own) }).catch(e => {
      if (isKeepwellError(e)) return e
      throw e
    })
    for (const { number } of own) {
      const found = isKeepwellError(verdicts) ? [] : verdicts.filter(v => v.item === nameOf(number))
      reports.set(number, isKeepwellError(verdicts) ? unwritten(number, verdicts) : reportOf(number, patient, found))
    }
  }
  return lines.map(line => (line.refused ? { number: line.number, written: false, issues: line.refused } : reports.get(line.number)!))
}

const nameOf = (number: number): string => `line ${number}.json`

async function* itemsOf(lines: readonly Line[]): AsyncGenerator<ImportItem> {
  for (const { number, bytes } of lines)
    yield {
      name: nameOf(number),
      size: bytes.length,
      async *chunks() {
        yield bytes
      },
    }
}

const unwritten = (number: number, { code, message }: { readonly code: string; readonly message: string }): Report => ({
  number,
  written: false,
  issues: [{ severity: 'error', code: 'processing', text: `${message} (${code})` }],
})

const KEPT: ReadonlySet<Verdict['outcome']> = new Set(['taken', 'taken-with-issues', 'already-there', 'unreadable'])

function reportOf(number: number, patient: string, verdicts: readonly Verdict[]): Report {
  const lost = verdicts.find(v => !KEPT.has(v.outcome))
  if (lost || verdicts.length === 0) return unwritten(number, { code: lost?.code ?? 'DEFECT', message: lost?.why ?? 'Nothing was filed.' })
  const already = verdicts.every(v => v.outcome === 'already-there')
  const kept = verdicts.some(v => v.outcome === 'unreadable')
    ? 'Kept as a document, for it is not what it claims to be, in'
    : 'Written into'
  const text = already ? 'An earlier line said the same.' : `${kept} the record of Patient/${patient}.`
  const issues = verdicts.flatMap(v => asIssues(v.issues ?? [])).map((i): OutcomeIssue => ({ ...i, severity: 'warning' }))
  return { number, written: true, issues: [{ severity: 'information', code: 'informational', text }, ...issues] }
}
