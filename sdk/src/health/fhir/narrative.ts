/** Is a narrative the harmless XHTML that FHIR allows (https://hl7.org/fhir/R4/narrative.html#xhtml)? A whitelist, on a small strict reader. */

const ELEMENTS = new Set(
  `div p span b i u s strong em small big tt br hr a img ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr td th pre code
  blockquote q cite abbr acronym address samp kbd var dfn sub sup h1 h2 h3 h4 h5 h6 ins del bdo map area`.split(/\s+/),
)
const ATTRIBUTES = new Set(
  `class id style title lang xml:lang dir xmlns href name alt src width height colspan rowspan align valign border cellpadding cellspacing abbr axis
  headers scope summary span char charoff accesskey tabindex type value start cite datetime frame rules bgcolor color face size hspace vspace
  shape coords rel rev hreflang longdesc usemap ismap compact noshade nowrap`.split(/\s+/),
)
const VOID = new Set(['br', 'hr', 'img', 'col', 'area'])
const TAG = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const ATTRIBUTE = /\s+([\w:-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g
const SAFE_LINK = /^(#|https?:|mailto:|tel:|[^:]*$)/i
const SAFE_IMAGE = /^(#|https?:|data:image\/(png|gif|jpe?g|webp|bmp);|[^:]*$)/i
/** Named entities of HTML 4 that FHIR allows; unknown ones would break every XML reader. */
const ENTITY = /&(#\d{1,7}|#x[0-9a-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});/iy

const LEADING = new Set(['href', 'src', 'style'])
const XML_NAMES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>' }

/** Character references and XML's own names; an ampersand that was written as one stays marked by what follows it. */
const decoded = (text: string): string =>
  text.replace(/&(?:#x0*([0-9a-f]{1,6})|#0*(\d{1,7})|(quot|apos|lt|gt));/gi, (_, hex?: string, dec?: string, name?: string) =>
    name ? XML_NAMES[name.toLowerCase()]! : String.fromCodePoint(Math.min(0x10ffff, hex ? Number.parseInt(hex, 16) : Number(dec))),
  )

/**
 * A style runs nothing, and loads nothing from elsewhere: the narrative is contained in the resource, and style attributes are part of it (R4
 * narrative.html#xhtml). Images beside it (`url(bar.png)`), within the resource and in the style itself are as for `img`.
 */
function isStill(style: string): boolean {
  if (/expression\(|javascript:|@import|behavior:|\\/i.test(style)) return false
  const loaded = [...style.matchAll(/url\(\s*["']?([^"')]*)/gi)].map(m => m[1]!)
  return loaded.every(url => !/^(https?:|\/\/)/i.test(url) && SAFE_IMAGE.test(url))
}

/** The ids within the resource that links of a narrative lead to, less those that are in the narrative itself. */
export function danglingLinks(div: string): string[] {
  const ids = new Set([...div.matchAll(/\s(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(m => m[1] ?? m[2] ?? ''))
  const links = [...div.matchAll(/<a\s[^>]{0,2000}?\bhref\s*=\s*(?:"#([^"]*)"|'#([^']*)')/g)].map(m => m[1] ?? m[2] ?? '')
  return links.filter(id => id !== '' && !ids.has(id))
}

function attributesProblem(name: string, attributes: string): string | null {
  for (const [, key, double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = decoded(double ?? single ?? '')
    if (!ATTRIBUTES.has(key!)) return 'The narrative has an attribute that FHIR does not allow'
    // Names beyond XML's own stand for characters that only some readers know: `&colon;`.
    if (LEADING.has(key!) && /&(?!amp;)[a-z]\w*;/i.test(value)) return 'The narrative has an address that is not plain'
    const bare = value.replace(/[\p{Cc}\s]+/gu, '')
    if (key === 'href' && !SAFE_LINK.test(bare)) return 'The narrative has a link that could run something'
    if (key === 'src' && !SAFE_IMAGE.test(bare)) return 'The narrative has an image that could run something'
    if (key === 'style' && !isStill(bare)) return 'The narrative has a style that loads or runs something'
    if (key === 'xmlns' && name === 'div' && value !== 'http://www.w3.org/1999/xhtml') return 'The narrative is not in the XHTML namespace'
  }
  return null
}

/** Problem in words (without any of the content), or null when it is fine. Linear in its length. */
export function narrativeProblem(div: string): string | null {
  const open: string[] = []
  let at = 0
  let seenRoot = false
  let content = false
  while (at < div.length) {
    const c = div[at]!
    if (c === '<') {
      if (div.startsWith('<!--', at)) {
        const end = div.indexOf('-->', at + 4)
        if (end < 0) return 'The narrative has an unfinished comment'
        at = end + 3
        continue
      }
      TAG.lastIndex = at
      const tag = TAG.exec(div)
      if (!tag) return 'The narrative is not well-formed XHTML'
      const [whole, closing, name, attributes, empty] = tag as unknown as [string, string, string, string, string]
      at += whole.length
      if (!ELEMENTS.has(name)) return 'The narrative has an element that FHIR does not allow'
      if (closing) {
        if (open.pop() !== name) return 'The narrative closes an element that is not open'
        continue
      }
      if (open.length === 0 && (seenRoot || name !== 'div')) return 'The narrative must be one div'
      if (open.length === 0 && !/\bxmlns\s*=/.test(attributes)) return 'The narrative is not in the XHTML namespace'
      seenRoot = true
      const bad = attributesProblem(name, attributes)
      if (bad) return bad
      if (name === 'img') content = true
      if (!empty && !VOID.has(name)) open.push(name)
      else if (!empty && VOID.has(name)) open.push(name)
      if (open.length > 100) return 'The narrative is nested too deeply'
    } else if (c === '&') {
      ENTITY.lastIndex = at
      const entity = ENTITY.exec(div)
      if (!entity) return 'The narrative has a broken entity'
      content = true
      at += entity[0].length
    } else {
      const next = nextMark(div, at)
      if (div.slice(at, next).trim()) {
        content = true
        if (open.length === 0) return 'The narrative must be one div'
      }
      at = next
    }
  }
  if (open.length > 0 || !seenRoot) return 'The narrative is not well-formed XHTML'
  return content ? null : 'The narrative says nothing'
}

function nextMark(div: string, from: number): number {
  let i = from
  while (i < div.length && div[i] !== '<' && div[i] !== '&') i++
  return i
}
