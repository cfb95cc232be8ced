import { parseInert } from '#parts/inert.ts'

/** A clinical document (HL7 CDA R2) as a person reads it: who and when, and the narrative of each section. */
export type CdaSection = { readonly title: string; readonly text: Element | null; readonly sections: readonly CdaSection[] }
export type Cda = {
  readonly title: string
  readonly date: string
  readonly custodian: string
  readonly authors: readonly string[]
  readonly sections: readonly CdaSection[]
  /** A body that is a file of its own. */
  readonly file: { readonly mediaType: string; readonly bytes: Uint8Array } | null
}

const children = (parent: Element | null | undefined, name: string): Element[] =>
  [...(parent?.children ?? [])].filter(c => c.localName === name)
const at = (parent: Element | null | undefined, ...path: readonly string[]): Element | undefined =>
  path.reduce<Element | undefined>((found, name) => children(found, name)[0], parent ?? undefined)
const words = (element: Element | undefined): string => (element?.textContent ?? '').replace(/\s+/g, ' ').trim()

/** Sections deeper than any document that was written by hand. */
const DEEPEST = 8

const sectionOf = (section: Element, depth = 0): CdaSection => ({
  title: words(at(section, 'title')) || at(section, 'code')?.getAttribute('displayName') || '',
  text: at(section, 'text') ?? null,
  sections: depth < DEEPEST ? children(section, 'component').flatMap(c => children(c, 'section').map(s => sectionOf(s, depth + 1))) : [],
})

const nameOf = (author: Element): string =>
  words(at(author, 'assignedAuthor', 'assignedPerson', 'name')) || words(at(author, 'assignedAuthor', 'representedOrganization', 'name'))

/** HL7's YYYYMMDD… as an ISO date. */
const dateOf = (value: string): string => value.replace(/^(\d{4})(\d{2})?(\d{2})?.*$/, (_, y, m, d) => [y, m, d].filter(Boolean).join('-'))

function fileOf(root: Element): Cda['file'] {
  const text = at(root, 'component', 'nonXMLBody', 'text')
  if (text?.getAttribute('representation') !== 'B64') return null
  try {
    const bytes = Uint8Array.from(atob(text.textContent?.replace(/\s+/g, '') ?? ''), c => c.charCodeAt(0))
    return { mediaType: text.getAttribute('mediaType') ?? 'application/octet-stream', bytes }
  } catch {
    return null
  }
}

/** @returns null when the text is no well-formed clinical document. Parsing runs nothing and fetches nothing. */
export function readCda(text: string): Cda | null {
  const root = parseInert(text, 'application/xml').documentElement
  if (root.localName !== 'ClinicalDocument') return null
  const body = at(root, 'component', 'structuredBody')
  return {
    title: words(at(root, 'title')),
    date: dateOf(at(root, 'effectiveTime')?.getAttribute('value') ?? ''),
    custodian: words(at(root, 'custodian', 'assignedCustodian', 'representedCustodianOrganization', 'name')),
    authors: [...new Set(children(root, 'author').map(nameOf).filter(Boolean))],
    sections: children(body, 'component').flatMap(c => children(c, 'section').map(s => sectionOf(s))),
    file: fileOf(root),
  }
}
