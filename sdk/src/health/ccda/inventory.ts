/** What a C-CDA document holds, counted from its own tags: what an import must map or name. Pure; a converter is held to it. */
import { KeepwellError } from '#base/error'
import { clean } from '#health/fhir/facts'
import { readXml } from '#health/xml'

export type CcdaSection = { readonly code: string; readonly title: string; readonly entries: number; readonly nullFlavor?: string }

export type Inventory = {
  /** LOINC code of the document. */
  readonly type: string
  /** `root|extension` of the document's id. */
  readonly id: string
  /** `root|extension` of the first id of the patient. */
  readonly patient: string
  /** In the order of the document, nested ones after those they stand in. */
  readonly sections: readonly CcdaSection[]
  /** The body is a file of another kind, embedded. */
  readonly unstructured: boolean
}

export const CCDA_LIMITS = { bytes: 32 << 20, tags: 1_000_000, depth: 200 }

const refused = (why: string): KeepwellError => new KeepwellError('UNREADABLE', why)

/**
 * The document as text, by its byte order mark or declaration. @throws KeepwellError TOO_LARGE; UNREADABLE for an encoding nobody
 * knows, and for any document type declaration: CDA has none, and entities are how XML is made to read other files and fill memory.
 */
export function ccdaText(bytes: Uint8Array): string {
  if (bytes.length > CCDA_LIMITS.bytes) throw new KeepwellError('TOO_LARGE', `A C-CDA document may have ${CCDA_LIMITS.bytes >> 20} MiB.`)
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null
  const head = String.fromCharCode(...bytes.subarray(0, 200))
  const declared = wide ?? /^[^\n]{0,200}encoding=["']([\w-]{1,40})["']/.exec(head)?.[1] ?? 'utf-8'
  let xml: string
  try {
    xml = new TextDecoder(declared, { fatal: declared.toLowerCase() === 'utf-8' }).decode(bytes)
  } catch (cause) {
    throw refused(
      cause instanceof RangeError ? 'The document names an encoding that cannot be read.' : 'The document is not of the encoding it names.',
    )
  }
  if (/<!(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(xml.replace(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>/g, '')))
    throw refused('The document has a document type declaration, which CDA does not have.')
  return xml.replace(/^\uFEFF/, '')
}

type Open = { code: string; title: string; entries: number; nullFlavor: string | undefined; depth: number }

/** @throws KeepwellError UNREADABLE when it is no ClinicalDocument, is cut short, or goes beyond the limits. */
export function inventoryOf(xml: string): Inventory {
  const path: string[] = []
  const sections: Open[] = []
  const stack: Open[] = []
  const found = { type: '', id: '', patient: '', unstructured: false }
  let tags = 0
  for (const event of readXml(xml)) {
    if (event.kind === 'text') {
      const section = stack.at(-1)
      if (section && path.at(-1) === 'title' && path.length === section.depth + 2) section.title += event.text
      continue
    }
    if (event.kind === 'close') {
      if (path.pop() !== event.name) throw refused('The tags of the document do not close in order.')
      if (stack.at(-1)?.depth === path.length) stack.pop()
      continue
    }
    if (++tags > CCDA_LIMITS.tags || path.length > CCDA_LIMITS.depth)
      throw new KeepwellError('TOO_LARGE', 'The document has too many tags, or too deep.')
    const { name, attributes, empty } = event
    if (path.length === 0 && name !== 'ClinicalDocument') throw refused('It is no ClinicalDocument.')
    header(found, path.slice(1).concat(name).join('/'), attributes)
    const section = stack.at(-1)
    const inSection = section !== undefined && path.length === section.depth + 1
    if (inSection && name === 'entry') section.entries++
    if (inSection && name === 'code') section.code = attributes.get('code') ?? ''
    if (name === 'section' && !empty) {
      const opened = { code: '', title: '', entries: 0, nullFlavor: attributes.get('nullFlavor'), depth: path.length }
      sections.push(opened)
      stack.push(opened)
    }
    if (!empty) path.push(name)
  }
  if (path.length || tags === 0) throw refused('The document ends before it is complete.')
  return {
    ...found,
    sections: sections.map(({ code, title, entries, nullFlavor }) => ({
      code,
      title: clean(title),
      entries,
      ...(nullFlavor ? { nullFlavor } : {}),
    })),
  }
}

const idOf = (a: ReadonlyMap<string, string>): string => `${a.get('root') ?? ''}|${a.get('extension') ?? ''}`

function header(
  found: { type: string; id: string; patient: string; unstructured: boolean },
  place: string,
  a: ReadonlyMap<string, string>,
): void {
  if (place === 'code') found.type = a.get('code') ?? ''
  if (place === 'id') found.id = idOf(a)
  if (place === 'recordTarget/patientRole/id') found.patient ||= idOf(a)
  if (place === 'component/nonXMLBody') found.unstructured = true
}
