import { converter } from '#health/convert'
import { readUnit } from '#health/ucum'
import { type Issue, problem, warning } from './issue.ts'
import { sameValue, typedValue } from './questionnaire-enable.ts'
import { field, isObject, type JsonObject, list, string } from './read.ts'

/** Codes of a value set by system, and what it names them; null when it is not known. */
export type ValueSetCodes = { has(system: string | undefined, code: string): boolean }

/** What one answer is held to. */
export type AnswerCheck = {
  readonly question: JsonObject
  readonly issues: Issue[]
  readonly valueSet: (url: string) => ValueSetCodes | null
}

const EXTENSION = 'http://hl7.org/fhir/StructureDefinition/'
const SDC = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-'
const extensions = (question: unknown, name: string): unknown[] =>
  list(field(question, 'extension')).filter(e => [EXTENSION + name, SDC + name].includes(String(field(e, 'url'))))
const setting = (question: JsonObject, ...names: readonly string[]): unknown =>
  typedValue(names.flatMap(name => extensions(question, name))[0])?.value

/** Element types that answer a question of each type (R4 questionnaireresponse.html#link, item-type). */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  boolean: ['Boolean'],
  decimal: ['Decimal'],
  integer: ['Integer'],
  date: ['Date'],
  dateTime: ['DateTime', 'Date'],
  time: ['Time'],
  string: ['String'],
  text: ['String'],
  url: ['Uri'],
  choice: ['Coding'],
  'open-choice': ['Coding', 'String'],
  attachment: ['Attachment'],
  reference: ['Reference'],
  quantity: ['Quantity'],
}

/** Options may be of another type than the question's own: a choice among dates answers with a date. */
function checkType({ question, issues }: AnswerCheck, type: string, path: string): boolean {
  const wanted = TYPES[String(question.type)]
  const options = list(question.answerOption).flatMap(o => typedValue(o)?.type ?? [])
  if (!wanted || wanted.includes(type) || (/choice$/.test(String(question.type)) && options.includes(type))) return true
  issues.push(problem('invariant', path, `The answer must be of the type that a question of type ${String(question.type)} asks for`))
  return false
}

function checkOptions({ question, issues, valueSet }: AnswerCheck, value: unknown, path: string): void {
  const free = question.type === 'open-choice' && typeof value === 'string'
  const options = list(question.answerOption)
  if (options.length && !free && !options.some(o => sameValue(typedValue(o)?.value, value)))
    issues.push(problem('invariant', path, 'The answer is not among the options'))
  const url = string(question.answerValueSet)
  if (!url || free) return
  const codes = valueSet(url)
  if (!codes) {
    issues.push(warning('code-invalid', path, 'The value set of the options is not known here; the answer was not checked against it'))
    return
  }
  const there = isObject(value) ? codes.has(string(value.system), String(value.code)) : codes.has(undefined, String(value))
  if (!there) issues.push(problem('code-invalid', path, 'The answer is not in the value set of the options'))
}

function checkText({ question, issues }: AnswerCheck, value: string, path: string): void {
  const [most, least] = [question.maxLength, setting(question, 'minLength')]
  if (typeof most === 'number' && value.length > most) issues.push(problem('invariant', path, 'The answer is longer than is allowed'))
  if (typeof least === 'number' && value.length < least) issues.push(problem('invariant', path, 'The answer is shorter than is asked for'))
}

/** Shorter dates end where the year or the month does, so the longer one is cut to compare. */
function beyond(value: unknown, limit: unknown): number {
  if (typeof value === 'number' && typeof limit === 'number') return value - limit
  if (typeof value !== 'string' || typeof limit !== 'string') return 0
  const cut = value.length > limit.length && limit.length < 10 ? value.slice(0, limit.length) : value
  // The reference validator takes a day for later than the month it is in; so a limit that is vaguer is passed by its own days.
  if (cut === limit) return value.length > limit.length ? 1 : 0
  return cut < limit ? -1 : 1
}

function compared(value: unknown, limit: unknown): number | null {
  if (!isObject(value) || !isObject(limit)) return beyond(value, limit)
  const [from, to] = [readUnit(String(value.code ?? '')), readUnit(String(limit.code ?? ''))]
  if (!value.code || !limit.code || !from || !to) return null
  const convert = converter(from, to)
  return convert && typeof value.value === 'number' && typeof limit.value === 'number' ? convert(value.value) - limit.value : null
}

function checkRange({ question, issues }: AnswerCheck, value: unknown, path: string): void {
  for (const [name, quantity, sign, text] of [
    ['minValue', 'minQuantity', -1, 'The answer is less than the smallest value allowed'],
    ['maxValue', 'maxQuantity', 1, 'The answer is greater than the largest value allowed'],
  ] as const) {
    const limit = setting(question, name, quantity)
    if (limit === undefined) continue
    const difference = compared(value, limit)
    if (difference === null)
      issues.push(problem('invariant', path, 'The quantity cannot be compared with the value allowed: their units do not agree'))
    else if (difference * sign > 0) issues.push(problem('invariant', path, text))
  }
  const places = setting(question, 'maxDecimalPlaces')
  if (typeof places === 'number' && typeof value === 'number' && (String(value).split('.')[1]?.length ?? 0) > places)
    issues.push(problem('invariant', path, 'The answer has more decimal places than are allowed'))
}

function checkQuantityUnit({ question, issues }: AnswerCheck, value: JsonObject, path: string): void {
  const units = extensions(question, 'questionnaire-unitOption').map(e => typedValue(e)?.value)
  const fits = units.some(u => field(u, 'code') === value.code && field(u, 'system') === value.system)
  if (units.length && !fits) issues.push(problem('invariant', path, 'The unit of the answer is none of those allowed'))
}

function checkAttachment({ question, issues }: AnswerCheck, value: JsonObject, path: string): void {
  const types = extensions(question, 'mimeType').map(e => typedValue(e)?.value)
  if (types.length && !types.includes(value.contentType))
    issues.push(problem('required', path, 'The kind of file is none of those allowed'))
  const most = setting(question, 'maxSize')
  if (typeof most === 'number' && typeof value.size === 'number' && value.size > most)
    issues.push(problem('required', path, 'The file is larger than is allowed'))
}

function checkTarget({ question, issues }: AnswerCheck, value: JsonObject, path: string, isType: (t: string) => boolean): void {
  const type = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}$/.exec(String(value.reference ?? ''))?.[1]
  if (!type) return
  if (!isType(type)) issues.push(problem('invariant', path, 'The reference names a type that FHIR R4 does not have'))
  const allowed = extensions(question, 'questionnaire-referenceResource').map(e => typedValue(e)?.value)
  if (allowed.length && !allowed.includes(type))
    issues.push(problem('invariant', path, 'The reference points to a type that is not allowed here'))
}

/** One answer against its question: type, options, lengths, range, unit, file and target. */
export function checkAnswer(check: AnswerCheck, answer: unknown, path: string, isType: (type: string) => boolean): void {
  const found = typedValue(answer)
  if (!found || !checkType(check, found.type, `${path}.value${found.type}`)) return
  const { type, value } = found
  const at = `${path}.value${type}`
  checkOptions(check, value, at)
  checkRange(check, value, at)
  if (typeof value === 'string') checkText(check, value, at)
  if (!isObject(value)) return
  if (type === 'Quantity') checkQuantityUnit(check, value, at)
  if (type === 'Attachment') checkAttachment(check, value, at)
  if (type === 'Reference') checkTarget(check, value, at, isType)
}

/** An option that stands alone was chosen together with others. */
export function checkExclusive({ question, issues }: AnswerCheck, answers: readonly unknown[], path: string): void {
  const alone = list(question.answerOption).filter(o => typedValue(extensions(o, 'questionnaire-optionExclusive')[0])?.value === true)
  const chosen = answers.filter(a => alone.some(o => sameValue(typedValue(o)?.value, typedValue(a)?.value)))
  if (chosen.length && answers.length > 1)
    issues.push(problem('invariant', path, 'An answer that excludes all others was given with others'))
}
