/**
 * Compiles the FHIRPath that search parameters are written in (https://hl7.org/fhir/R4/searchparameter-registry.html) to plain paths:
 * unions, choices, `ofType`, `as`, `where` on one value or on what a reference leads to, `extension`, indexes. What lies outside that
 * subset gives null, so that nobody mistakes silence for an answer.
 */
import type { Shape, Shapes } from '#health/fhir/shapes'

/** Where values are, and of which type: the steps are element names, with `?name=value` a filter and `#n` an index; `^` begins at the resource. */
export type Path = {
  readonly steps: readonly string[]
  readonly type: string
  /** Code systems that the binding of a `code` implies. */
  readonly systems?: readonly string[]
  /** Types of resource that a reference must lead to. */
  readonly is?: readonly string[]
}

type State = { readonly steps: readonly string[]; readonly type: string; readonly shape?: Shape; readonly is?: readonly string[] }

class Outside extends Error {}

const TOKEN = /\s*(?:([A-Za-z_%][A-Za-z0-9_]*)|'((?:[^'\\]|\\.)*)'|(\d+)|(!=|[.()|=[\]]))/y

function tokens(text: string): string[] {
  const out: string[] = []
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const m = TOKEN.exec(text)
    if (!m) throw new Outside()
    out.push(m[1] ?? (m[2] !== undefined ? `'${m[2]}` : (m[3] ?? m[4]!)))
  }
  return out
}

/** FHIRPath names primitive types in small letters; some parameters do not. */
const typeName = (name: string): string => (name === 'DateTime' || name === 'String' ? name[0]!.toLowerCase() + name.slice(1) : name)

const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1)

function stepInto(state: State, name: string, shapes: Shapes): State[] {
  const fields = shapes.fieldsOf(state.type)
  if (!fields) return []
  const exact = fields.get(name)
  if (exact) return [{ steps: [...state.steps, name], type: exact.type, shape: exact }]
  return [...fields.values()]
    .filter(s => s.name === name + capital(s.type))
    .map(s => ({ steps: [...state.steps, s.name], type: s.type, shape: s }))
}

const filtered = (state: State, filter: string): State => ({
  ...state,
  steps: [...state.steps.slice(0, -1), state.steps.at(-1)! + filter],
})

/** A reader of one expression for resources of `root`; a path that begins at another type gives no states. */
function reader(text: string, root: string, start: string, shapes: Shapes) {
  const list = tokens(text)
  let at = 0
  const peek = (): string | undefined => list[at]
  const eat = (token: string): void => {
    if (list[at++] !== token) throw new Outside()
  }
  const next = (): string => {
    const token = list[at++]
    if (token === undefined) throw new Outside()
    return token
  }

  const where = (states: readonly State[]): State[] => {
    const name = next()
    if (name === 'resolve') {
      for (const token of ['(', ')', 'is']) eat(token)
      const type = next()
      return states.map(s => ({ ...s, is: [type] }))
    }
    eat('=')
    const value = next()
    if (!value.startsWith("'")) throw new Outside()
    return states.map(s => filtered(s, `?${name}=${value.slice(1)}`))
  }
  const call = (name: string, states: readonly State[]): State[] => {
    if (name === 'where') return where(states)
    if (name === 'ofType' || name === 'as') {
      const type = typeName(next())
      return states.filter(s => s.type === type)
    }
    if (name === 'extension') return states.flatMap(s => stepInto(s, 'extension', shapes)).map(s => filtered(s, `?url=${next().slice(1)}`))
    if (name === 'first') return states.map(s => filtered(s, '#0'))
    throw new Outside()
  }
  const begin = (): State[] => {
    if (peek() === '(') {
      at++
      const inner = union()
      eat(')')
      return inner
    }
    const name = next()
    if (name === '%resource') return [{ steps: ['^'], type: root }]
    if (/^[A-Z]/.test(name)) {
      const own = name === root || name === 'Resource' || name === 'DomainResource'
      return own ? [{ steps: [], type: root }] : []
    }
    return stepInto({ steps: [], type: start }, name, shapes)
  }
  const path = (): State[] => {
    let states = begin()
    for (;;) {
      const token = peek()
      if (token === '.') {
        at++
        const name = next()
        if (peek() !== '(') states = states.flatMap(s => stepInto(s, name, shapes))
        else {
          at++
          states = call(name, states)
          eat(')')
        }
      } else if (token === '[') {
        at++
        const index = next()
        eat(']')
        states = states.map(s => filtered(s, `#${index}`))
      } else if (token === 'as') {
        at++
        const type = typeName(next())
        states = states.filter(s => s.type === type)
      } else return states
    }
  }
  const union = (): State[] => {
    const states = path()
    while (peek() === '|') {
      at++
      states.push(...path())
    }
    return states
  }
  return { union, done: () => at === list.length }
}

const EXISTS = /^(\w+)\.(\w+)\.exists\(\) and \1\.\2 != false$/

/** `X.exists() and X != false`, the one truth value that R4 searches by: a path of type `Flag` over all forms of X. */
function flag(expression: string, root: string, shapes: Shapes): Path | null {
  const m = EXISTS.exec(expression.trim())
  if (m?.[1] !== root) return null
  const names = stepInto({ steps: [], type: root }, m[2]!, shapes).map(s => s.steps[0]!)
  return names.length ? { steps: names, type: 'Flag' } : null
}

function systemsOf(shape: Shape | undefined, shapes: Shapes): string[] {
  const codes = shape?.type === 'code' && shape.valueSet ? shapes.codesOf(shape.valueSet) : undefined
  return codes ? [...codes.systems.keys()].filter(Boolean) : []
}

/**
 * The paths of an expression for resources of type `root`, from values of type `start` (the resource itself when absent, or the element that
 * a component of a composite parameter begins at). Empty when the expression says nothing of this type, null when it is outside the subset.
 */
export function compile(expression: string, root: string, shapes: Shapes, start = root): Path[] | null {
  const truth = flag(expression, root, shapes)
  if (truth) return [truth]
  try {
    const read = reader(expression, root, start, shapes)
    const states = read.union()
    if (!read.done()) return null
    return states.map(({ steps, type, shape, is }) => {
      const systems = systemsOf(shape, shapes)
      return { steps, type, ...(systems.length ? { systems } : {}), ...(is ? { is } : {}) }
    })
  } catch (e) {
    if (e instanceof Outside) return null
    throw e
  }
}

/** One line for the generated table: steps, type, systems and targets, separated by bars. */
export const pathText = ({ steps, type, systems = [], is = [] }: Path): string =>
  [steps.join(' '), type, systems.join(' '), is.join(' ')].join('|').replace(/\|+$/, '')

export function readPath(text: string): Path {
  const [steps = '', type = '', systems, is] = text.split('|')
  return {
    steps: steps ? steps.split(' ') : [],
    type,
    ...(systems ? { systems: systems.split(' ') } : {}),
    ...(is ? { is: is.split(' ') } : {}),
  }
}
