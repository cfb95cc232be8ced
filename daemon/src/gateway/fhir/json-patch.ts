import { isObject } from '@keepwell/sdk/health/fhir/read'
import { refuse } from './outcome.ts'

type Op = { readonly op: string; readonly path: string[]; readonly from: string[]; readonly value: unknown }

const MAX_OPERATIONS = 1000

const bad = (i: number, why: string) => refuse(422, 'invalid', `Operation ${i} of the patch ${why}.`)

/** JSON Patch (RFC 6902) on a copy of a JSON value. Throws a refusal that names the operation; a failed `test` leaves nothing changed. */
export function patched(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch) || patch.length > MAX_OPERATIONS)
    throw refuse(400, 'structure', 'A JSON Patch is a list of at most 1000 operations.')
  let root: unknown = structuredClone(document)
  patch.forEach((raw: unknown, i) => {
    root = apply(root, operation(raw, i), i)
  })
  return root
}

function operation(raw: unknown, i: number): Op {
  if (!isObject(raw) || typeof raw.op !== 'string') throw bad(i, 'is none')
  const value = raw.value
  if (['add', 'replace', 'test'].includes(raw.op) && value === undefined) throw bad(i, 'lacks a value')
  return { op: raw.op, path: pointer(raw.path, i), from: raw.op === 'move' || raw.op === 'copy' ? pointer(raw.from, i) : [], value }
}

/** RFC 6901. */
function pointer(text: unknown, i: number): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw bad(i, 'has no JSON pointer')
  const parts = text
    .split('/')
    .slice(1)
    .map(p => p.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (parts.some(p => p === '__proto__' || p === 'constructor' || p === 'prototype')) throw bad(i, 'points to nothing of a resource')
  return parts
}

function apply(root: unknown, { op, path, from, value }: Op, i: number): unknown {
  switch (op) {
    case 'add':
      return put(root, path, structuredClone(value), i, true)
    case 'replace':
      get(root, path, i)
      return put(root, path, structuredClone(value), i, false)
    case 'remove':
      return take(root, path, i).root
    case 'copy':
      return put(root, path, structuredClone(get(root, from, i)), i, true)
    case 'move': {
      if (path.length > from.length && from.every((p, n) => path[n] === p)) throw bad(i, 'moves something into itself')
      const taken = take(root, from, i)
      return put(taken.root, path, taken.value, i, true)
    }
    case 'test':
      if (!same(get(root, path, i), value)) throw bad(i, 'tested for another value')
      return root
    default:
      throw bad(i, 'is of a kind that there is not')
  }
}

function child(at: unknown, key: string, i: number): unknown {
  if (Array.isArray(at)) return at[index(key, at.length - 1, i)] as unknown
  if (isObject(at) && Object.hasOwn(at, key)) return at[key]
  throw bad(i, 'points to something that is not there')
}

function index(key: string, max: number, i: number): number {
  if (!/^(0|[1-9]\d{0,8})$/.test(key) || Number(key) > max) throw bad(i, 'points beyond a list')
  return Number(key)
}

const get = (root: unknown, path: readonly string[], i: number): unknown => path.reduce((at, key) => child(at, key, i), root)

function put(root: unknown, path: readonly string[], value: unknown, i: number, insert: boolean): unknown {
  if (path.length === 0) return value
  const parent = get(root, path.slice(0, -1), i)
  const key = path.at(-1)!
  if (Array.isArray(parent)) {
    const at = key === '-' && insert ? parent.length : index(key, insert ? parent.length : parent.length - 1, i)
    parent.splice(at, insert ? 0 : 1, value)
  } else if (isObject(parent)) (parent as Record<string, unknown>)[key] = value
  else throw bad(i, 'points to something that is not there')
  return root
}

function take(root: unknown, path: readonly string[], i: number): { root: unknown; value: unknown } {
  if (path.length === 0) throw bad(i, 'removes the whole resource')
  const parent = get(root, path.slice(0, -1), i)
  const key = path.at(-1)!
  const value = child(parent, key, i)
  if (Array.isArray(parent)) parent.splice(index(key, parent.length - 1, i), 1)
  else delete (parent as Record<string, unknown>)[key]
  return { root, value }
}

export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, n) => same(x, b[n]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(k => Object.hasOwn(b, k) && same(a[k], b[k]))
}
