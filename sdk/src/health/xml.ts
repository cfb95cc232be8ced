/**
 * A small, safe reader of XML: a flat stream of tags and text, from a bounded prefix. No DTD is read, no entity is expanded but the five
 * of XML and character references, so neither XXE nor entity bombs exist here. It does not validate.
 */

export type XmlEvent =
  | {
      readonly kind: 'open'
      readonly name: string
      readonly attributes: ReadonlyMap<string, string>
      readonly depth: number
      readonly empty: boolean
    }
  | { readonly kind: 'close'; readonly name: string; readonly depth: number }
  | { readonly kind: 'text'; readonly text: string; readonly depth: number }

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Resolves the predefined entities and character references; any other entity stays as it is written. */
export function unescapeXml(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name) return NAMED[name]!
      const point = decimal ? Number(decimal) : Number.parseInt(hex!, 16)
      return point <= 0x10ffff && point > 0 && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : whole
    },
  )
}

const ATTRIBUTE = /([^\s=/>"']+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g

function attributesOf(tag: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name, double, single] of tag.matchAll(ATTRIBUTE)) attributes.set(local(name!), unescapeXml(double ?? single ?? ''))
  return attributes
}

/** The name without its namespace prefix. */
const local = (name: string): string => name.slice(name.indexOf(':') + 1)

const SKIPPED: readonly (readonly [open: string, close: string])[] = [
  ['<!--', '-->'],
  ['<?', '?>'],
]

/** Where a DOCTYPE ends: its internal subset may hold `>`. */
function endOfDoctype(xml: string, from: number): number {
  const subset = xml.indexOf('[', from)
  const plain = xml.indexOf('>', from)
  if (plain < 0) return xml.length
  if (subset < 0 || subset > plain) return plain + 1
  const close = xml.indexOf(']', subset)
  const end = close < 0 ? -1 : xml.indexOf('>', close)
  return end < 0 ? xml.length : end + 1
}

/** Where the tag that begins at `from` ends; `>` inside quotes does not count. */
function endOfTag(xml: string, from: number): number {
  let quote = ''
  for (let i = from; i < xml.length; i++) {
    const c = xml[i]!
    if (quote) {
      if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if (c === '>') return i
  }
  return -1
}

/** Reads what is well-formed enough; ends silently where nothing more can be made out. */
export function* readXml(xml: string): Generator<XmlEvent> {
  let at = 0
  let depth = 0
  while (at < xml.length) {
    const open = xml.indexOf('<', at)
    const text = xml.slice(at, open < 0 ? xml.length : open)
    if (text.trim()) yield { kind: 'text', text: unescapeXml(text), depth }
    if (open < 0) return
    const skipped = SKIPPED.find(([mark]) => xml.startsWith(mark, open))
    if (skipped || xml.startsWith('<![CDATA[', open)) {
      const close = skipped?.[1] ?? ']]>'
      const end = xml.indexOf(close, open)
      if (!skipped && end > 0) yield { kind: 'text', text: xml.slice(open + 9, end), depth }
      at = end < 0 ? xml.length : end + close.length
      continue
    }
    if (xml.startsWith('<!', open)) {
      at = endOfDoctype(xml, open)
      continue
    }
    const end = endOfTag(xml, open + 1)
    if (end < 0) return
    at = end + 1
    const tag = xml.slice(open + 1, end)
    if (tag.startsWith('/')) {
      depth = Math.max(0, depth - 1)
      yield { kind: 'close', name: local(tag.slice(1).trim()), depth }
      continue
    }
    const name = /^[^\s/>]+/.exec(tag)?.[0]
    if (!name) continue
    const empty = tag.endsWith('/')
    yield { kind: 'open', name: local(name), attributes: attributesOf(tag.slice(name.length)), depth, empty }
    if (!empty) depth++
  }
}

const UNREAD = /^(style|script)$/i
/** A code's name in C-CDA, an element's value in FHIR XML; addresses and times are neither. */
const worded = (value: string | undefined): boolean => value !== undefined && /\p{L}{3}/u.test(value) && !/[:/]/.test(value)

/** The words of any markup, a phrase at a time: what stands between tags, and names in attributes; without styles and scripts. */
export function* markupText(markup: string): Generator<string> {
  let unread = 0
  const tidy = (s: string): string => s.replace(/&(nbsp|#160);|[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  for (const event of readXml(markup)) {
    if (event.kind === 'open') {
      if (UNREAD.test(event.name) && !event.empty) unread++
      for (const name of ['displayName', 'value']) {
        const value = event.attributes.get(name)
        if (worded(value)) yield tidy(value!)
      }
    } else if (event.kind === 'close') {
      if (UNREAD.test(event.name)) unread = Math.max(0, unread - 1)
    } else if (unread === 0 && tidy(event.text)) yield tidy(event.text)
  }
}
