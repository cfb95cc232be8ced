/**
 * FHIR's two formats, one from the other, by the definitions of R4: the order and the types of elements are theirs (R4 json.html, xml.html).
 * Nothing is dropped: what R4 does not know is refused, and stays readable in the format it came in.
 */
import { KeepwellError } from '#base/error'
import { isObject, type JsonObject } from './read.ts'
import { type Fields, type Shapes, shapes } from './shapes.ts'
import { parseXml, type XmlNode } from './xml-tree.ts'

const FHIR = 'http://hl7.org/fhir'
const XHTML = 'http://www.w3.org/1999/xhtml'

let loading: Promise<Shapes> | undefined
const load = (): Promise<Shapes> => (loading ??= import('./definitions.generated.ts').then(d => shapes(d.definitions)))

const NUMBERS = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt'])
const primitive = (type: string): boolean => /^[a-z]/.test(type) && !type.includes('.')

const unknown = (path: string) => new KeepwellError('BAD_INPUT', `FHIR R4 knows no such element: ${path}.`)

/** The names of elements that R4 has are safe to repeat; others are the input's. */
const at = (path: string, name: string): string => `${path}.${name}`

// XML to JSON

/** A FHIR XML document as the same resource in JSON. @throws KeepwellError BAD_INPUT, TOO_LARGE */
export async function fromXml(xml: string): Promise<JsonObject> {
  const root = parseXml(xml)
  if ((root.attributes.get('xmlns') ?? prefixed(root)) !== FHIR)
    throw new KeepwellError('BAD_INPUT', 'The root is not in the FHIR namespace (http://hl7.org/fhir).')
  return resourceFrom(await load(), root)
}

const prefixed = (node: XmlNode): string | undefined => [...node.attributes].find(([k]) => k.startsWith('xmlns:'))?.[1]

function resourceFrom(all: Shapes, node: XmlNode): JsonObject {
  if (!all.isResource(node.name)) throw new KeepwellError('BAD_INPUT', 'The XML holds a resource of a type that FHIR R4 does not have.')
  return { resourceType: node.name, ...membersFrom(all, node, node.name, node.name) }
}

function membersFrom(all: Shapes, node: XmlNode, type: string, path: string): Record<string, unknown> {
  const fields = all.fieldsOf(type)
  if (!fields) throw unknown(path)
  if (node.worded) throw new KeepwellError('BAD_INPUT', `There is text between elements: ${path}.`)
  const out: Record<string, unknown> = {}
  for (const name of ['id', 'url'] as const) {
    const value = node.attributes.get(name)
    if (value !== undefined && fields.has(name)) out[name] = value
  }
  const last: string[] = []
  for (const child of node.children) {
    const shape = fields.get(child.name)
    if (!shape) throw unknown(at(path, '?'))
    const seen = last.at(-1) === child.name
    if (!seen && last.includes(child.name)) throw new KeepwellError('BAD_INPUT', `Elements are out of order: ${at(path, child.name)}.`)
    if (!seen) last.push(child.name)
    else if (!shape.repeats) throw new KeepwellError('BAD_INPUT', `The element stands twice: ${at(path, child.name)}.`)
    const here = at(path, child.name)
    if (primitive(shape.type)) addPrimitive(out, child, shape, primitiveFrom(all, child, shape.type, here))
    else add(out, child.name, shape.repeats, complexFrom(all, child, shape.type, here))
  }
  return out
}

function complexFrom(all: Shapes, node: XmlNode, type: string, path: string): unknown {
  if (type !== 'Resource') return membersFrom(all, node, type, path)
  const [inner, more] = node.children
  if (!inner || more) throw new KeepwellError('BAD_INPUT', `Exactly one resource stands here: ${path}.`)
  return resourceFrom(all, inner)
}

function add(out: Record<string, unknown>, name: string, repeats: boolean, value: unknown): void {
  if (!repeats) out[name] = value
  else out[name] = [...((out[name] as unknown[] | undefined) ?? []), value]
}

type Primitive = { readonly value: unknown; readonly more: JsonObject | null }

function primitiveFrom(all: Shapes, node: XmlNode, type: string, path: string): Primitive {
  if (type === 'xhtml') return { value: node.source, more: null }
  const { value: _v, ...more } = membersFrom(
    all,
    { ...node, attributes: new Map([...node.attributes].filter(([k]) => k === 'id')) },
    'Element',
    path,
  )
  const text = node.attributes.get('value')
  return { value: text === undefined ? null : valueFrom(text, type, path), more: Object.keys(more).length ? more : null }
}

function valueFrom(text: string, type: string, path: string): unknown {
  if (type === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true'
    throw new KeepwellError('BAD_INPUT', `Not a boolean: ${path}.`)
  }
  if (!NUMBERS.has(type)) return text
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw new KeepwellError('BAD_INPUT', `Not a number: ${path}.`)
  return Number(text)
}

function addPrimitive(
  out: Record<string, unknown>,
  { name }: XmlNode,
  { repeats }: { repeats: boolean },
  { value, more }: Primitive,
): void {
  if (!repeats) {
    if (value !== null) out[name] = value
    if (more) out[`_${name}`] = more
    return
  }
  const values = (out[name] as unknown[] | undefined) ?? []
  const extras = (out[`_${name}`] as unknown[] | undefined) ?? (more ? values.map(() => null) : undefined)
  out[name] = [...values, value]
  if (extras) out[`_${name}`] = [...extras, more]
}

// JSON to XML

const escaped = (s: string): string =>
  s.replace(/[&<>"\n\r\t]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? `&#${c.charCodeAt(0)};`)

/** A resource as FHIR XML. @throws KeepwellError NOT_SUPPORTED for one that holds what R4 does not know */
export async function toXml(resource: JsonObject): Promise<string> {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${writeResource(await load(), resource, ` xmlns="${FHIR}"`)}`
}

const inexpressible = (path: string) =>
  new KeepwellError('NOT_SUPPORTED', `The resource holds something that FHIR R4 does not know (in ${path}), so it is served as JSON only.`)

function writeResource(all: Shapes, resource: JsonObject, attributes = ''): string {
  const type = String(resource.resourceType)
  if (!all.isResource(type)) throw inexpressible('resourceType')
  const { resourceType: _type, ...members } = resource
  return `<${type}${attributes}>${writeMembers(all, members, all.fieldsOf(type)!, type)}</${type}>`
}

function writeMembers(all: Shapes, members: JsonObject, fields: Fields, path: string, attributes: readonly string[] = []): string {
  for (const key in members) if (!fields.has(key.startsWith('_') ? key.slice(1) : key) && key !== 'fhir_comments') throw inexpressible(path)
  let out = ''
  for (const [name, { type, repeats }] of fields) {
    if (attributes.includes(name)) continue
    const value = members[name]
    const more = members[`_${name}`]
    if (value === undefined && more === undefined) continue
    const values = repeats ? asList(value) : [value]
    const extras = repeats ? asList(more) : [more]
    for (let i = 0; i < Math.max(values.length, extras.length); i++)
      out += primitive(type)
        ? writePrimitive(all, name, { type, value: values[i], more: extras[i] }, path)
        : writeComplex(all, name, type, values[i], at(path, name))
  }
  return out
}

const asList = (x: unknown): readonly unknown[] => (Array.isArray(x) ? (x as unknown[]) : x === undefined ? [] : [x])

function writeComplex(all: Shapes, name: string, type: string, value: unknown, path: string): string {
  if (!isObject(value)) throw inexpressible(path)
  if (type === 'Resource') return `<${name}>${writeResource(all, value)}</${name}>`
  const fields = all.fieldsOf(type)
  if (!fields) throw inexpressible(path)
  const id = typeof value.id === 'string' ? ` id="${escaped(value.id)}"` : ''
  const url = type === 'Extension' && typeof value.url === 'string' ? ` url="${escaped(value.url)}"` : ''
  return `<${name}${id}${url}>${writeMembers(all, value, fields, path, url ? ['id', 'url'] : ['id'])}</${name}>`
}

type Written = { readonly type: string; readonly value: unknown; readonly more: unknown }

function writePrimitive(all: Shapes, name: string, { type, value, more }: Written, path: string): string {
  if (type === 'xhtml') return writeNarrative(String(value), path)
  const given = value === undefined || value === null ? '' : ` value="${escaped(String(value))}"`
  if (!isObject(more)) return given ? `<${name}${given}/>` : ''
  const id = typeof more.id === 'string' ? ` id="${escaped(more.id)}"` : ''
  const inner = writeMembers(all, more, all.fieldsOf('Element')!, at(path, name), ['id'])
  return inner ? `<${name}${id}${given}>${inner}</${name}>` : `<${name}${id}${given}/>`
}

/** Only one whole element may stand there: text that closed it early could say anything behind. */
function writeNarrative(div: string, path: string): string {
  try {
    const { name, attributes } = parseXml(div)
    if (name !== 'div') throw inexpressible(path)
    return attributes.has('xmlns') ? div.trim() : div.trim().replace(/^<div/, `<div xmlns="${XHTML}"`)
  } catch {
    throw inexpressible(`${path}.div`)
  }
}
