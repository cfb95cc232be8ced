/** Resources that another program made: what breaks FHIR's rules is struck out, so that one bad date does not cost a diagnosis. */
import type { Checker } from './check.ts'
import { isObject, type JsonObject } from './read.ts'

export type Mended = {
  readonly resource: JsonObject
  /** Elements that were taken out, by path; never values. */
  readonly struck: readonly string[]
}

type Mutable = Record<string, unknown>

/** Without undefined, empty strings, empty lists and empty objects. */
export function pruned(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.map(pruned).filter(v => v !== undefined)
    return kept.length ? kept : undefined
  }
  if (isObject(value)) {
    const kept = Object.entries(value).flatMap(([k, v]) => {
      const inner = pruned(v)
      return inner === undefined ? [] : [[k, inner] as const]
    })
    return kept.length ? Object.fromEntries(kept) : undefined
  }
  if (typeof value === 'string') return value.trim() ? value : undefined
  return value ?? undefined
}

/** Removes what a path of the checker names; false when it names nothing that is there, or the whole resource. */
function strike(resource: Mutable, path: string): boolean {
  const [, ...steps] = path.split('.')
  if (!steps.length) return false
  let here: unknown = resource
  steps.forEach((step, n) => {
    const m = /^([^[]+?)(\[x\])?(?:\[(\d+)\])?$/.exec(step)
    const holder = here
    if (!m || !isObject(holder)) {
      here = undefined
      return
    }
    const name = m[2] ? (Object.keys(holder).find(k => k.startsWith(m[1]!)) ?? '') : m[1]!
    const value = (holder as Mutable)[name]
    const index = m[3] === undefined ? undefined : Number(m[3])
    if (n < steps.length - 1) {
      here = Array.isArray(value) ? value[index ?? 0] : value
      return
    }
    here = value !== undefined && (index === undefined || (Array.isArray(value) && index < value.length))
    if (here !== true) return
    if (index !== undefined && Array.isArray(value)) value.splice(index, 1)
    else delete (holder as Mutable)[name]
  })
  return here === true
}

/** Rounds of striking; each takes out what the one before laid bare. */
const ROUNDS = 8

/**
 * Makes a resource sound by taking out what is not, one element at a time, deepest first; null when what is wrong is the resource itself:
 * something it cannot be without. `repair` may first put right what it knows (a status that a rule demands).
 */
export function mend(given: unknown, check: Checker, repair: (resource: Mutable) => void = () => {}): Mended | null {
  const struck: string[] = []
  let resource = pruned(structuredClone(given)) as Mutable | undefined
  for (let round = 0; resource && round < ROUNDS; round++) {
    repair(resource)
    const errors = check(resource).filter(i => i.severity === 'error')
    if (!errors.length) return { resource, struck }
    // Later indexes first, so that earlier ones still mean the same.
    const paths = [...new Set(errors.map(e => e.path))].toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    const gone = paths.filter(p => strike(resource as Mutable, p))
    if (!gone.length) return null
    struck.push(...gone)
    resource = pruned(resource) as Mutable | undefined
  }
  return null
}
