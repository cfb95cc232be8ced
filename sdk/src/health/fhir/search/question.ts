/** What every index of a search parameter offers; one kind of index for each type of parameter. */
import type { Path } from './compile.ts'
import type { Plan } from './plan.ts'
import type { Terminology } from './types.ts'

/** One value of a clause, with what it needs from outside. */
export type Question = {
  /** As written, escapes (`\,` `\$` `\|` `\\`) still in it. */
  readonly value: string
  readonly modifier: string
  readonly now: number
  readonly terminology?: Terminology | undefined
  /** Every name under which a resource of the store is referred to. */
  readonly namesOf: (type: string, id: string) => readonly string[]
}

/** A value or modifier that cannot be answered: `invalid` when nobody could, `not-supported` when we cannot. */
export type Problem = { readonly problem: 'invalid' | 'not-supported' | 'not-found'; readonly text: string }

export type ParameterIndex = {
  /** Rows come in ascending order. False when the value holds nothing that can be asked for. */
  readonly add: (row: number, value: unknown, path: Path) => boolean
  readonly ask: (question: Question) => Plan | Problem
  /** What `_sort` compares, of one value; null when there is nothing. */
  readonly sortKey: (value: unknown, path: Path) => string | number | null
}

export const isProblem = (x: Plan | Problem): x is Problem => 'problem' in x

export const invalid = (text: string): Problem => ({ problem: 'invalid', text })
export const unsupported = (modifier: string): Problem => ({
  problem: 'not-supported',
  text: `The modifier :${modifier} is not supported for this parameter`,
})

/** Splits at `separator` where it is not escaped; escapes stay. */
export function split(text: string, separator: ',' | '|' | '$'): string[] {
  if (!text.includes('\\')) return text.split(separator)
  const out: string[] = []
  let part = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && i + 1 < text.length) part += text[i++]! + text[i]!
    else if (text[i] === separator) {
      out.push(part)
      part = ''
    } else part += text[i]
  }
  return [...out, part]
}

export const unescaped = (text: string): string => (text.includes('\\') ? text.replace(/\\([\\,$|])/g, '$1') : text)
