/**
 * SNOMED CT's Expression Constraint Language, its basics: `<` `<<` `>` `>>` `<!` `>!` `^` `*`, AND (and comma), OR, MINUS, brackets, and refinements
 * `attribute = value` joined by comma or AND. Terms between bars are comments. What is beyond this is refused, never ignored.
 */
import { KeepwellError } from '#base/error'

export type EclOperator =
  | 'self'
  | 'descendants'
  | 'descendants-or-self'
  | 'ancestors'
  | 'ancestors-or-self'
  | 'children'
  | 'parents'
  | 'members'
export type Ecl =
  | { readonly is: 'concept'; readonly operator: EclOperator; readonly code: string }
  | { readonly is: 'any' }
  | { readonly is: 'and' | 'or' | 'minus'; readonly left: Ecl; readonly right: Ecl }
  | {
      readonly is: 'refined'
      readonly focus: Ecl
      readonly attributes: readonly { readonly name: Ecl; readonly value: Ecl; readonly not: boolean }[]
    }

const OPERATORS: readonly (readonly [string, EclOperator])[] = [
  ['<<', 'descendants-or-self'],
  ['<!', 'children'],
  ['<', 'descendants'],
  ['>>', 'ancestors-or-self'],
  ['>!', 'parents'],
  ['>', 'ancestors'],
  ['^', 'members'],
]
const TOKEN = /\s*(?:\/\*[\s\S]*?\*\/\s*)*(<<|<!|<|>>|>!|>|\^|\*|\(|\)|:|,|!=|=|\d{6,18}(?:\s*\|[^|]*\|)?|AND\b|OR\b|MINUS\b)/iy
const MAX_LENGTH = 8192
const MAX_DEPTH = 32

function tokensOf(text: string): string[] {
  if (text.length > MAX_LENGTH) throw new KeepwellError('TOO_LARGE', `An expression may have ${MAX_LENGTH} characters.`)
  const tokens: string[] = []
  const source = text.trimEnd()
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < source.length; ) {
    const at = TOKEN.lastIndex
    const found = TOKEN.exec(source)
    if (!found) throw new KeepwellError('BAD_INPUT', `The expression is not understood at character ${at + 1}.`)
    tokens.push(found[1]!.replace(/\s*\|.*$/s, '').toUpperCase())
  }
  return tokens
}

/** Throws BAD_INPUT where it is not understood. */
export function parseEcl(text: string): Ecl {
  const tokens = tokensOf(text)
  let at = 0
  let depth = 0
  const peek = (): string | undefined => tokens[at]
  const wrong = (): KeepwellError => new KeepwellError('BAD_INPUT', `The expression is not understood at its ${at + 1}. word.`)

  function simple(): Ecl {
    const token = tokens[at]
    if (token === '(') {
      at++
      if (++depth > MAX_DEPTH) throw wrong()
      const inner = expression()
      depth--
      if (tokens[at++] !== ')') throw wrong()
      return inner
    }
    const operator = OPERATORS.find(([mark]) => mark === token)?.[1]
    if (operator) at++
    const code = tokens[at++]
    if (code === '*' && (!operator || operator.endsWith('-or-self') || operator === 'descendants')) return { is: 'any' }
    if (!code || !/^\d+$/.test(code)) throw wrong()
    return { is: 'concept', operator: operator ?? 'self', code }
  }

  function refined(): Ecl {
    const focus = simple()
    if (peek() !== ':') return focus
    at++
    const attributes: { name: Ecl; value: Ecl; not: boolean }[] = []
    do {
      if (attributes.length) at++
      const name = simple()
      const comparison = tokens[at++]
      if (comparison !== '=' && comparison !== '!=') throw wrong()
      attributes.push({ name, value: simple(), not: comparison === '!=' })
    } while (peek() === ',' || (peek() === 'AND' && isAttribute()))
    return { is: 'refined', focus, attributes }
  }

  /** Whether what follows an AND is another attribute, and not another constraint. */
  function isAttribute(): boolean {
    const next = tokens.slice(at + 1, at + 5)
    const skip = OPERATORS.some(([mark]) => mark === next[0]) ? 1 : 0
    return next[skip + 1] === '=' || next[skip + 1] === '!='
  }

  function expression(): Ecl {
    let left = refined()
    let kind: string | undefined
    for (;;) {
      const token = peek() === ',' ? 'AND' : peek()
      if (token !== 'AND' && token !== 'OR' && token !== 'MINUS') return left
      // The language has no precedence: mixing needs brackets.
      if (kind && (kind !== token || token === 'MINUS')) throw wrong()
      kind = token
      at++
      left = { is: token.toLowerCase() as 'and' | 'or' | 'minus', left, right: refined() }
    }
  }

  const whole = expression()
  if (at !== tokens.length) throw wrong()
  return whole
}
