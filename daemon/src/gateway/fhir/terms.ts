import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Terminology as Told } from '@keepwell/sdk/health/fhir/search/types'
import type { Terminology } from '@keepwell/sdk/ports/terminology'
import { refuse } from './outcome.ts'

/** Codes that one request may ask a terminology about, and how many at a time. */
const MAX_QUESTIONS = 5000
const TOGETHER = 16
/** Answers to questions lead to further ones in chains only. */
const MAX_ROUNDS = 12

type Verdict = boolean | null
type Question = { readonly ask: (terms: Terminology) => Promise<Verdict> }

const within = (valueSet: string, system: string | undefined, code: string): Question => ({
  ask: async terms => {
    const { verdict } = await terms.validateCode({ code, valueSet, ...(system ? { system } : {}) })
    return verdict === 'unknown' ? null : verdict === 'valid'
  },
})

const subsuming = (system: string, general: string, special: string): Question => ({
  ask: async terms => {
    const told = await terms.subsumes(system, general, special)
    return told && (told === 'equivalent' || told === 'subsumes')
  },
})

/** What cannot be known is null; that a terminology server does not answer is an error of the request. */
async function answer(terms: Terminology, question: Question): Promise<Verdict> {
  try {
    return await question.ask(terms)
  } catch (e) {
    if (isKeepwellError(e) && e.code !== 'PEER_FAILED') return null
    throw e
  }
}

/**
 * Runs what asks about codes at once on a terminology that answers later: what was asked and is not known yet is looked up, and it runs again.
 * Without a terminology it runs once, without answers.
 */
export async function withTerms<T>(terms: Terminology | null, run: (told: Told | undefined) => T): Promise<T> {
  if (!terms) return run(undefined)
  const known = new Map<string, Verdict>()
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const open = new Map<string, Question>()
    const look = (key: readonly (string | undefined)[], question: Question): Verdict => {
      const name = JSON.stringify(key)
      const found = known.get(name)
      if (found !== undefined) return found
      open.set(name, question)
      return false
    }
    const result = run({
      contains: (valueSet, system, code) => look(['in', valueSet, system, code], within(valueSet, system, code)),
      subsumes: (system, general, special) =>
        system === undefined ? null : look(['is', system, general, special], subsuming(system, general, special)),
    })
    if (!open.size) return result
    if (known.size + open.size > MAX_QUESTIONS) break
    const waiting = [...open]
    for (let i = 0; i < waiting.length; i += TOGETHER)
      await Promise.all(waiting.slice(i, i + TOGETHER).map(async ([name, q]) => known.set(name, await answer(terms, q))))
  }
  throw refuse(400, 'too-costly', 'More codes would have to be looked up than one request may ask about.')
}
