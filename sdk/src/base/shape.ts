import { text } from './bytes.ts'
import { decode } from './cbor.ts'
import { KeepwellError } from './error.ts'

/** Checks a decoded value and gives it back typed; `path` names the place in the error. */
export type Shape<T> = { readonly check: (value: unknown, path: string) => T; readonly optional?: boolean }
type OptionalShape<T> = Shape<T> & { readonly optional: true }
export type Infer<S> = S extends Shape<infer T> ? T : never

type Fields = Record<string, Shape<unknown>>
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalShape<unknown> ? K : never }[keyof F]
type Flat<T> = { [K in keyof T]: T[K] }
export type InferFields<F extends Fields> = Flat<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & { [K in OptionalKeys<F>]?: Infer<F[K]> }
>

const refuse = (path: string, expected: string): never => {
  throw new KeepwellError('BAD_INPUT', `${path || 'value'}: expected ${expected}.`)
}

const shape = <T>(check: (value: unknown, path: string) => T): Shape<T> => ({ check })

/** Bytes of exactly `length`, or at most `max`. */
export const bytes = (limit: number | { max: number }): Shape<Uint8Array> =>
  shape((v, path) => {
    if (!(v instanceof Uint8Array)) return refuse(path, 'bytes')
    if (typeof limit === 'number' ? v.length !== limit : v.length > limit.max)
      return refuse(path, typeof limit === 'number' ? `${limit} bytes` : `at most ${limit.max} bytes`)
    return v
  })

export const string = (max: number, pattern?: RegExp): Shape<string> =>
  shape((v, path) => {
    if (typeof v !== 'string' || v.length > max) return refuse(path, `text of at most ${max} characters`)
    return pattern && !pattern.test(v) ? refuse(path, `text like ${pattern.source}`) : v
  })

export const int = (min = 0, max = Number.MAX_SAFE_INTEGER): Shape<number> =>
  shape((v, path) =>
    typeof v === 'number' && Number.isSafeInteger(v) && v >= min && v <= max ? v : refuse(path, `an integer from ${min} to ${max}`),
  )

export const bool: Shape<boolean> = shape((v, path) => (typeof v === 'boolean' ? v : refuse(path, 'true or false')))

export const oneOf = <const T extends readonly (string | number)[]>(...allowed: T): Shape<T[number]> =>
  shape((v, path) => (allowed.includes(v as T[number]) ? (v as T[number]) : refuse(path, `one of ${allowed.join(', ')}`)))

export const nullable = <T>(inner: Shape<T>): Shape<T | null> => shape((v, path) => (v === null ? null : inner.check(v, path)))

export const optional = <T>(inner: Shape<T>): OptionalShape<T> => ({ check: inner.check, optional: true })

export const list = <T>(inner: Shape<T>, max: number): Shape<T[]> =>
  shape((v, path) => {
    if (!Array.isArray(v) || v.length > max) return refuse(path, `a list of at most ${max}`)
    return v.map((item, i) => inner.check(item, `${path}[${i}]`))
  })

/** A map from text to `inner`, at most `max` entries. */
export const dictionary = <T>(inner: Shape<T>, max: number): Shape<Record<string, T>> =>
  shape((v, path) => {
    if (!isMap(v) || Object.keys(v).length > max) return refuse(path, `a map of at most ${max} entries`)
    return Object.fromEntries(Object.entries(v).map(([k, item]) => [k, inner.check(item, `${path}.${k}`)]))
  })

/** A map with exactly these members; an unknown member is refused, for what is signed must be understood whole. */
export const object = <F extends Fields>(fields: F): Shape<InferFields<F>> => {
  const entries = Object.entries(fields)
  return shape((v, path) => {
    if (!isMap(v)) return refuse(path, 'a map')
    for (const k of Object.keys(v)) if (!Object.hasOwn(fields, k)) return refuse(path, `no member "${k.slice(0, 40)}"`)
    const out: Record<string, unknown> = {}
    for (const [k, inner] of entries) {
      const present = v[k] !== undefined
      if (present) out[k] = inner.check(v[k], path ? `${path}.${k}` : k)
      else if (!inner.optional) refuse(path ? `${path}.${k}` : k, 'a value')
    }
    return out as InferFields<F>
  })
}

/** A tagged union: `tag` picks the shape. */
export const union = <K extends string, M extends Record<string, Shape<unknown>>>(tag: K, members: M): Shape<Infer<M[keyof M]>> =>
  shape((v, path) => {
    const name = isMap(v) ? v[tag] : undefined
    const inner = typeof name === 'string' && Object.hasOwn(members, name) ? members[name] : undefined
    return inner
      ? (inner.check(v, path) as Infer<M[keyof M]>)
      : refuse(path ? `${path}.${tag}` : tag, `one of ${Object.keys(members).join(', ')}`)
  })

/** Decodes deterministic CBOR and checks it. Throws BAD_CBOR or BAD_INPUT. */
/** A file of JSON (UTF-8); `what` is what it ought to hold. Throws BAD_INPUT. */
export function jsonAs<T>(s: Shape<T>, file: Uint8Array, what: string): T {
  let value: unknown
  try {
    value = JSON.parse(text(file))
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', `${what}: expected JSON.`, { cause })
  }
  return s.check(value, what)
}

export const decodeAs = <T>(s: Shape<T>, encoded: Uint8Array): T => s.check(decode(encoded), '')

const isMap = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v) && !(v instanceof Uint8Array)
