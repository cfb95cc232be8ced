/**
 * SMART App Launch 2.x scopes for clinical data (HL7 SMART App Launch 2.2, "Scopes for requesting FHIR Resources"):
 * `patient/Observation.rs?category=laboratory`, and the forms of version 1 (`patient/Observation.read`) read as version 2 says.
 */
export type ScopeContext = 'patient' | 'user' | 'system'

export type Scope = {
  readonly context: ScopeContext
  /** A FHIR resource type, or `*`. */
  readonly type: string
  readonly c: boolean
  readonly r: boolean
  readonly u: boolean
  readonly d: boolean
  readonly s: boolean
  /** Search arguments, all of which a resource must meet. */
  readonly query: readonly (readonly [name: string, value: string])[]
}

export type Letter = 'c' | 'r' | 'u' | 'd' | 's'
export const LETTERS: readonly Letter[] = ['c', 'r', 'u', 'd', 's']

const FORM = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.([a-z]{1,5}|\*)(?:\?(.{1,500}))?$/
const VERSION_1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' }
const MAX_SCOPES = 200

/** Null for anything that is no clinical scope; letters out of the order `cruds` are none, for the standard says so. */
export function parseScope(text: string): Scope | null {
  const [, context, type, access, search] = FORM.exec(text) ?? []
  if (!context || !type || !access) return null
  const letters = VERSION_1[access] ?? access
  if (!/^c?r?u?d?s?$/.test(letters) || (search !== undefined && VERSION_1[access])) return null
  const query = search === undefined ? [] : searchOf(search)
  if (!query) return null
  const has = (letter: Letter) => letters.includes(letter)
  return { context: context as ScopeContext, type, c: has('c'), r: has('r'), u: has('u'), d: has('d'), s: has('s'), query }
}

function searchOf(text: string): [string, string][] | null {
  const out: [string, string][] = []
  for (const part of text.split('&')) {
    const [name, value, more] = part.split('=')
    if (!name || !value || more !== undefined || !/^[A-Za-z_][\w-]*$/.test(name)) return null
    try {
      out.push([name, decodeURIComponent(value)])
    } catch {
      return null
    }
  }
  return out.length <= 8 ? out : null
}

/** The clinical scopes of a space-separated list; what else stands there is left out. */
export const parseScopes = (text: string): Scope[] =>
  text
    .split(' ')
    .slice(0, MAX_SCOPES)
    .flatMap(word => parseScope(word) ?? [])

export const lettersOf = (scope: Scope): Letter[] => LETTERS.filter(letter => scope[letter])

/** The version 2 form; names and values of search arguments escaped where a scope may not hold them. */
export function formatScope(scope: Scope): string {
  const search = scope.query.map(
    ([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%7C', '|').replaceAll('%3A', ':').replaceAll('%2F', '/')}`,
  )
  return `${scope.context}/${scope.type}.${lettersOf(scope).join('')}${search.length ? `?${search.join('&')}` : ''}`
}

/** What both allow: the narrower of two scopes, or null when nothing is left. Contexts are those of `asked`. */
export function narrowed(asked: Scope, limit: Scope): Scope | null {
  if (asked.type !== '*' && limit.type !== '*' && asked.type !== limit.type) return null
  const letter = (name: Letter) => asked[name] && limit[name]
  const known = new Set(asked.query.map(([name, value]) => `${name}=${value}`))
  const query = [...asked.query, ...limit.query.filter(([name, value]) => !known.has(`${name}=${value}`))]
  const out: Scope = {
    context: asked.context,
    type: asked.type === '*' ? limit.type : asked.type,
    c: letter('c'),
    r: letter('r'),
    u: letter('u'),
    d: letter('d'),
    s: letter('s'),
    query,
  }
  return lettersOf(out).length ? out : null
}
