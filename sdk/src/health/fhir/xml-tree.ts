/**
 * A strict reader of XML for documents that are taken in: no DTD at all, no entity but the five and character references, bounded depth and
 * number of elements. What is not well-formed is refused, never guessed.
 */
import { KeepwellError } from '#base/error'
import { unescapeXml } from '#health/xml'

export type XmlNode = {
  /** Without its prefix. */
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlNode[]
  /** Whether text stands directly in it. */
  readonly worded: boolean
  /** The element as it was written. */
  readonly source: string
}

export const XML_LIMITS = { depth: 100, elements: 1_000_000 } as const

const bad = (why: string, at: number) => new KeepwellError('BAD_INPUT', `The XML is not well-formed: ${why} (character ${at}).`)

type Open = { name: string; written: string; attributes: Map<string, string>; children: XmlNode[]; worded: boolean; from: number }

const NAME = /[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?/y
const ATTRIBUTE = /\s+([A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y
const END_OF_TAG = /\s*(\/?)>/y
const STRANGE = /&(?!(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)/
/** XHTML's named characters are HTML's; in narrative they are common, and only there are they let through, as written. */
const LENIENT = /&(?!(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)/

const local = (name: string): string => name.slice(name.indexOf(':') + 1)

/** The root element. @throws KeepwellError BAD_INPUT */
export function parseXml(xml: string): XmlNode {
  const stack: Open[] = []
  let root: XmlNode | null = null
  let count = 0
  let at = xml.charCodeAt(0) === 0xfeff ? 1 : 0
  const sticky = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(xml)
    if (found) at = pattern.lastIndex
    return found
  }
  const close = (to: number): void => {
    const { written: _w, from, ...node } = stack.pop()!
    const whole: XmlNode = { ...node, source: xml.slice(from, to) }
    const parent = stack.at(-1)
    if (parent) parent.children.push(whole)
    else root = whole
  }
  const narrative = (): boolean => stack.some(o => o.name === 'div')
  while (at < xml.length) {
    const open = xml.indexOf('<', at)
    const words = xml.slice(at, open < 0 ? xml.length : open)
    if (words.trim()) {
      const top = stack.at(-1)
      if (!top) throw bad('there is text outside of the root', at)
      if ((narrative() ? LENIENT : STRANGE).test(words)) throw bad('an entity is not declared', at)
      top.worded = true
    }
    if (open < 0) break
    at = open
    if (xml.startsWith('<!--', at) || xml.startsWith('<?', at) || xml.startsWith('<![CDATA[', at)) {
      const end = xml.startsWith('<!--', at) ? '-->' : xml.startsWith('<?', at) ? '?>' : ']]>'
      const to = xml.indexOf(end, at + 2)
      if (to < 0) throw bad('a comment, instruction or section does not end', at)
      if (end === ']]>' && stack.length) stack.at(-1)!.worded = true
      at = to + end.length
      continue
    }
    if (xml.startsWith('<!', at)) throw bad('a document type is not taken', at)
    if (root) throw bad('there is more than one root', at)
    if (xml[at + 1] === '/') {
      at += 2
      const name = sticky(NAME)?.[0]
      const end = sticky(END_OF_TAG)
      if (!name || !end || end[1] || stack.at(-1)?.written !== name) throw bad('an end tag does not match', at)
      close(at)
      continue
    }
    const from = at++
    const written = sticky(NAME)?.[0]
    if (!written) throw bad('a tag has no name', at)
    const attributes = new Map<string, string>()
    for (let found = sticky(ATTRIBUTE); found; found = sticky(ATTRIBUTE)) {
      const text = found[2] ?? found[3] ?? ''
      if ((narrative() ? LENIENT : STRANGE).test(text)) throw bad('an entity is not declared', at)
      if (attributes.has(found[1]!)) throw bad('an attribute stands twice', at)
      attributes.set(found[1]!, unescapeXml(text))
    }
    const end = sticky(END_OF_TAG)
    if (!end) throw bad('a tag does not end', at)
    if (++count > XML_LIMITS.elements || stack.length >= XML_LIMITS.depth)
      throw new KeepwellError('TOO_LARGE', 'The XML has too many elements or levels.')
    stack.push({ name: local(written), written, attributes, children: [], worded: false, from })
    if (end[1]) close(at)
  }
  if (stack.length || !root) throw bad('it ends early', at)
  return root
}
