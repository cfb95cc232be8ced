/** `_summary` and `_elements` (R4 3.1.1.5.8 and 3.1.1.5.9): less of a resource, marked as such. */
import { isObject, type JsonObject, list } from '#health/fhir/read'
import { r4 } from './r4.ts'
import type { FhirResource, Shape } from './types.ts'

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }
const ALWAYS = ['resourceType', 'id', 'meta']

/** Element names below each path that is kept; an empty set keeps everything below. */
type Tree = ReadonlyMap<string, Tree>

function treeOf(paths: Iterable<string>): Tree {
  const root = new Map<string, Map<string, unknown>>()
  for (const path of paths) {
    let here = root
    for (const name of path.split('.')) {
      const next = here.get(name) ?? new Map<string, Map<string, unknown>>()
      here.set(name, next as Map<string, unknown>)
      here = next as Map<string, Map<string, unknown>>
    }
  }
  return root as unknown as Tree
}

/** Finds `value[x]` under `valueQuantity`, and any element under the name of its extensions, `_birthDate`. */
function below(tree: Tree, key: string): Tree | undefined {
  const name = key.startsWith('_') ? key.slice(1) : key
  const exact = tree.get(name)
  if (exact) return exact
  for (const [wanted, inner] of tree)
    if (wanted.endsWith('[x]') && name.startsWith(wanted.slice(0, -3)) && /^[A-Z]/.test(name.slice(wanted.length - 3))) return inner
  return undefined
}

function kept(value: unknown, tree: Tree): unknown {
  if (!tree.size) return value
  if (Array.isArray(value)) return value.map(item => kept(item, tree))
  if (!isObject(value)) return value
  const out: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    const branch = below(tree, key)
    if (branch) out[key] = kept(inner, branch)
  }
  return out
}

const trees = new Map<string, Tree>()
function treeFor(type: string, { summary, elements }: Shape): Tree {
  const [inSummary, mandatory] = r4.outline(type)
  if (elements) {
    const own = elements.map(e => (e.includes('.') ? (e.startsWith(`${type}.`) ? e.slice(type.length + 1) : '') : e)).filter(Boolean)
    // A choice may be asked for by its plain name: `value`.
    return treeOf([...ALWAYS, ...mandatory, ...own, ...own.map(e => `${e}[x]`)])
  }
  const key = `${type} ${summary}`
  let tree = trees.get(key)
  if (!tree) {
    tree = treeOf(summary === 'text' ? [...ALWAYS, 'text', ...mandatory] : [...ALWAYS, ...inSummary, ...mandatory])
    trees.set(key, tree)
  }
  return tree
}

function marked(resource: JsonObject): FhirResource {
  const meta = isObject(resource.meta) ? resource.meta : {}
  return { ...resource, meta: { ...meta, tag: [...list(meta.tag), SUBSETTED] } } as unknown as FhirResource
}

/** Whether all of a resource is wanted. */
export const isWhole = ({ summary, elements }: Shape): boolean => !elements && (summary === 'false' || summary === 'count')

/** The resource as `_summary` and `_elements` want it; itself when they want all of it. */
export function shaped(resource: FhirResource, shape: Shape): FhirResource {
  if (isWhole(shape)) return resource
  if (!shape.elements && shape.summary === 'data') {
    const { text, ...rest } = resource
    return text === undefined ? resource : marked(rest)
  }
  return marked(kept(resource, treeFor(resource.resourceType, shape)) as JsonObject)
}
