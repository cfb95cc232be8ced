/** Follows compiled paths through resources: closures over element names, nothing is parsed while resources are added. */
import { isObject } from '#health/fhir/read'
import type { Path } from './compile.ts'

/** Calls `visit` with each value at the path below `from`; `resource` is what `^` begins at. */
export type Walker = (from: unknown, resource: unknown, visit: (value: unknown) => void) => void

type Node = Readonly<Record<string, unknown>>
type Step = (value: unknown, visit: (value: unknown) => void) => void

const STEP = /^([^?#]+)(?:\?([^=]+)=(.*)|#(\d+))?$/s

/** How deep arrays may lie in arrays: FHIR has none, foreign JSON may. */
const each = (value: unknown, visit: (value: unknown) => void): void => {
  if (!Array.isArray(value)) visit(value)
  else for (const item of value) if (!Array.isArray(item)) visit(item)
}

function stepOf(text: string): Step {
  const [, name = '', key, wanted, index] = STEP.exec(text) ?? []
  const own = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return undefined
    const found = (value as Node)[name]
    return typeof found === 'function' ? undefined : found
  }
  if (index !== undefined)
    return (value, visit) => {
      const found = own(value)
      const item = Array.isArray(found) ? found[Number(index)] : Number(index) === 0 ? found : undefined
      if (item !== undefined && item !== null) visit(item)
    }
  if (key === undefined)
    return (value, visit) => {
      const found = own(value)
      if (found !== undefined && found !== null) each(found, visit)
    }
  return (value, visit) => {
    const found = own(value)
    if (found !== undefined && found !== null) each(found, item => isObject(item) && item[key] === wanted && visit(item))
  }
}

/** The walker of a path. A `Flag` path visits once, with whether any of its elements is there and not false. */
export function walkerOf(path: Path): Walker {
  if (path.type === 'Flag')
    return (from, _, visit) => {
      const node = isObject(from) ? from : {}
      visit(path.steps.some(name => node[name] !== undefined && node[name] !== null && node[name] !== false))
    }
  const fromResource = path.steps[0] === '^'
  const steps = (fromResource ? path.steps.slice(1) : path.steps).map(stepOf)
  const [first, second, third] = steps
  if (!first) return (from, resource, visit) => each(fromResource ? resource : from, visit)
  const start = (from: unknown, resource: unknown): unknown => (fromResource ? resource : from)
  if (!second) return (from, resource, visit) => first(start(from, resource), visit)
  if (!third) return (from, resource, visit) => first(start(from, resource), v => second(v, visit))
  const last = steps.length - 1
  const go = (value: unknown, i: number, visit: (value: unknown) => void): void =>
    steps[i]!(value, i === last ? visit : v => go(v, i + 1, visit))
  return (from, resource, visit) => go(start(from, resource), 0, visit)
}
