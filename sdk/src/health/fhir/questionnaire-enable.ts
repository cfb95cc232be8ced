import { field, isObject, type JsonObject, list, string } from './read.ts'

/** The answers of a response by linkId, wherever they stand. */
export type Answers = ReadonlyMap<string, readonly unknown[]>

/** The value of an answer, an option or a condition, and its type as the element's name says it: `valueCoding` is a Coding. */
export function typedValue(holder: unknown, prefix = 'value'): { readonly type: string; readonly value: unknown } | null {
  if (!isObject(holder)) return null
  for (const key in holder)
    if (key.startsWith(prefix) && key.length > prefix.length && holder[key] !== undefined)
      return { type: key.slice(prefix.length), value: holder[key] }
  return null
}

/** Whether two values are one answer: codings by system and code, quantities by value and unit, anything else as it is written. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return a === b
  const part = (key: string): boolean => field(a, key) === field(b, key)
  if (a.code !== undefined || b.code !== undefined) return part('code') && part('system') && part('value')
  return part('reference') && part('value') && part('unit') && part('display')
}

export function answersOf(items: unknown): Answers {
  const out = new Map<string, unknown[]>()
  const visit = (given: unknown): void => {
    for (const item of list(given)) {
      const linkId = string(field(item, 'linkId'))
      if (linkId) out.set(linkId, [...(out.get(linkId) ?? []), ...list(field(item, 'answer'))])
      visit(field(item, 'item'))
      for (const answer of list(field(item, 'answer'))) visit(field(answer, 'item'))
    }
  }
  visit(items)
  return out
}

/** Dates and times of the same form compare as text; what cannot be compared is not larger and not smaller. */
function order(a: unknown, b: unknown): number {
  const [x, y] = [isObject(a) ? a.value : a, isObject(b) ? b.value : b]
  if (typeof x === 'number' && typeof y === 'number') return x - y
  if (typeof x === 'string' && typeof y === 'string') return x < y ? -1 : x > y ? 1 : 0
  return Number.NaN
}

function holds(condition: JsonObject, answers: Answers): boolean {
  const given = (answers.get(String(condition.question)) ?? []).flatMap(a => typedValue(a)?.value ?? [])
  const wanted = typedValue(condition, 'answer')?.value
  switch (condition.operator) {
    case 'exists':
      return given.length > 0 === (wanted === true)
    case '=':
      return given.some(v => sameValue(v, wanted))
    case '!=':
      return given.length > 0 && !given.some(v => sameValue(v, wanted))
    case '>':
      return given.some(v => order(v, wanted) > 0)
    case '<':
      return given.some(v => order(v, wanted) < 0)
    case '>=':
      return given.some(v => order(v, wanted) >= 0)
    case '<=':
      return given.some(v => order(v, wanted) <= 0)
    default:
      return true
  }
}

/** Whether a question is asked, by what else was answered (`Questionnaire.item.enableWhen`). */
export function enabled(question: JsonObject, answers: Answers): boolean {
  const conditions = list(question.enableWhen).filter(isObject)
  if (!conditions.length) return true
  return question.enableBehavior === 'any' ? conditions.some(c => holds(c, answers)) : conditions.every(c => holds(c, answers))
}
