/** A QuestionnaireResponse against the Questionnaire it answers (R4 questionnaireresponse.html#2.38.8; limits by the SDC extensions). */
import { type Issue, problem } from './issue.ts'
import { checkAnswer, checkExclusive, type ValueSetCodes } from './questionnaire-answer.ts'
import { type Answers, answersOf, enabled } from './questionnaire-enable.ts'
import { field, isObject, type JsonObject, list, string } from './read.ts'

type Checking = {
  readonly issues: Issue[]
  readonly answers: Answers
  /** What is not finished may lack answers. */
  readonly finished: boolean
  readonly valueSet: (url: string) => ValueSetCodes | null
  readonly isType: (type: string) => boolean
}

const FINISHED = new Set(['completed', 'amended'])

const questionsIn = (parent: unknown): JsonObject[] => list(field(parent, 'item')).filter(isObject)
const linkIdOf = (item: unknown): string => string(field(item, 'linkId')) ?? ''

/** All items of one level of the response against the questions of that level. */
function checkLevel(c: Checking, questions: readonly JsonObject[], given: unknown, path: string): void {
  const items = list(given)
  const known = new Set(questions.map(linkIdOf))
  items.forEach((item, i) => {
    if (!known.has(linkIdOf(item))) c.issues.push(problem('not-found', `${path}.item[${i}]`, 'The questionnaire has no such question here'))
  })
  for (const question of questions) {
    const mine = items.flatMap((item, i) => (linkIdOf(item) === linkIdOf(question) ? [{ item, path: `${path}.item[${i}]` }] : []))
    checkQuestion(c, question, mine, path)
  }
}

type Given = readonly { readonly item: unknown; readonly path: string }[]

function checkQuestion(c: Checking, question: JsonObject, given: Given, parent: string): void {
  const asked = enabled(question, c.answers)
  if (!asked) {
    for (const g of given)
      if (list(field(g.item, 'answer')).length)
        c.issues.push(problem('invalid', g.path, 'An answer to a question that was not to be asked'))
    return
  }
  if (given.length > 1 && question.type !== 'group' && question.repeats !== true)
    c.issues.push(problem('invalid', given[1]!.path, 'A question that does not repeat is here more than once'))
  if (question.type === 'group' && given.length > 1 && question.repeats !== true)
    c.issues.push(problem('invalid', given[1]!.path, 'A group that does not repeat is here more than once'))
  if (question.required === true && c.finished) checkRequired(c, question, given, parent)
  for (const g of given) checkItem(c, question, g.item, g.path)
}

function checkRequired(c: Checking, question: JsonObject, given: Given, parent: string): void {
  const path = given[0]?.path ?? parent
  const isGroup = question.type === 'group'
  const filled = given.some(g => list(field(g.item, isGroup ? 'item' : 'answer')).length)
  if (question.type === 'display' || filled) return
  c.issues.push(problem('required', path, isGroup ? 'A required group is empty' : 'A required question has no answer'))
}

function checkItem(c: Checking, question: JsonObject, item: unknown, path: string): void {
  const answers = list(field(item, 'answer'))
  if (question.type === 'group' || question.type === 'display') {
    if (answers.length) c.issues.push(problem('structure', path, 'What is no question cannot have answers'))
    checkLevel(c, questionsIn(question), field(item, 'item'), path)
    return
  }
  if (answers.length > 1 && question.repeats !== true)
    c.issues.push(problem('invalid', path, 'A question that does not repeat has more than one answer'))
  if (list(field(item, 'item')).length) c.issues.push(problem('structure', path, 'Items below a question stand below one of its answers'))
  const check = { question, issues: c.issues, valueSet: c.valueSet }
  answers.forEach((answer, i) => {
    checkAnswer(check, answer, `${path}.answer[${i}]`, c.isType)
    checkLevel(c, questionsIn(question), field(answer, 'item'), `${path}.answer[${i}]`)
  })
  checkExclusive(check, answers, path)
}

export type ResponseOptions = Pick<Checking, 'valueSet' | 'isType'>

/** Issues of a response, never holding an answer; empty when it fits. */
export function checkResponse(response: JsonObject, questionnaire: JsonObject, options: ResponseOptions): Issue[] {
  const issues: Issue[] = []
  const c: Checking = { ...options, issues, answers: answersOf(response.item), finished: FINISHED.has(String(response.status)) }
  checkLevel(c, questionsIn(questionnaire), response.item, 'QuestionnaireResponse')
  return issues
}
