import { createElement, Fragment, type ReactNode } from 'react'
import { parseInert } from './inert.ts'

/**
 * Foreign mark-up as our own elements: what it says is kept, what it could do is not. Nothing of it is handed to the browser to interpret;
 * each element on the list is made anew, with no attribute but those named here, and everything else is its words alone.
 */
type Made = { readonly as: string; readonly className?: string }

const plain = (...names: readonly string[]): readonly (readonly [string, Made])[] => names.map(as => [as, { as }])

const ELEMENTS: ReadonlyMap<string, Made> = new Map<string, Made>([
  ...plain('p', 'br', 'hr', 'ul', 'ol', 'li', 'dl', 'dt', 'dd', 'b', 'strong', 'i', 'em', 'u', 'sup', 'sub', 'small', 'pre', 'code'),
  ...plain('blockquote', 'table', 'thead', 'tbody', 'tfoot', 'tr', 'td', 'th', 'caption', 'div', 'span', 'q', 'cite', 'abbr'),
  // A document's own headings would break into the page's outline.
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((name): [string, Made] => [name, { as: 'p', className: 'kw-told-heading' }]),
  // CDA's narrative block (HL7 CDA R2 §4.3.5).
  ['paragraph', { as: 'p' }],
  ['content', { as: 'span' }],
  ['list', { as: 'ul' }],
  ['item', { as: 'li' }],
  ['footnote', { as: 'small' }],
])

/** Their content is not words for a person. */
const GONE = new Set(['script', 'style', 'template', 'iframe', 'object', 'embed', 'noscript', 'head', 'title', 'svg', 'math', 'form'])
const ALONE = new Set(['br', 'hr'])
/** React would complain of words between the parts of a table. */
const STRUCTURE = new Set(['table', 'thead', 'tbody', 'tfoot', 'tr', 'ul', 'ol', 'dl'])

const DEEPEST = 40
const MOST = 20_000

type Walk = { left: number }

const span = (element: Element, name: string): number | undefined => {
  const value = Number(element.getAttribute(name))
  return Number.isInteger(value) && value > 1 && value <= 100 ? value : undefined
}

/** Only what leads to a page of the web over TLS is a link, and its place is shown beside it, so that nobody goes there unawares. */
function placeOf(element: Element): string | null {
  try {
    const url = new URL(element.getAttribute('href') ?? '')
    return url.protocol === 'https:' ? url.href : null
  } catch {
    return null
  }
}

const STYLES: Readonly<Record<string, string>> = { bold: 'b', italics: 'i', underline: 'u', emphasis: 'em' }

function made(element: Element, name: string): Made | undefined {
  const found = ELEMENTS.get(name)
  if (name === 'list' && element.getAttribute('listType') === 'ordered') return { as: 'ol' }
  const style = name === 'content' ? (element.getAttribute('styleCode') ?? '').toLowerCase().split(/\s+/) : undefined
  const as = style?.map(s => STYLES[s]).find(Boolean)
  return as ? { as } : found
}

function nodes(parent: Element, walk: Walk, depth: number, bare: boolean): ReactNode[] {
  const out: ReactNode[] = []
  for (const child of parent.childNodes) {
    if (walk.left-- <= 0) break
    if (child.nodeType === 3 || child.nodeType === 4) {
      if (!bare || child.textContent?.trim()) out.push(child.textContent)
    } else if (child.nodeType === 1) out.push(<Fragment key={out.length}>{node(child as Element, walk, depth + 1)}</Fragment>)
  }
  return out
}

function node(element: Element, walk: Walk, depth: number): ReactNode {
  const name = element.localName.toLowerCase()
  if (GONE.has(name)) return null
  if (depth > DEEPEST) return element.textContent
  const is = made(element, name)
  if (is && ALONE.has(is.as)) return createElement(is.as)
  const inside = nodes(element, walk, depth, !!is && STRUCTURE.has(is.as))
  if (name === 'a' || name === 'linkhtml') return <Link place={placeOf(element)}>{inside}</Link>
  if (name === 'img') return element.getAttribute('alt')
  if (!is) return inside
  const spans = { colSpan: span(element, 'colspan'), rowSpan: span(element, 'rowspan') }
  const attributes = { ...(is.className ? { className: is.className } : {}), ...(is.as === 'td' || is.as === 'th' ? spans : {}) }
  const drawn = createElement(is.as, attributes, ...inside)
  return is.as === 'table' ? <div className="kw-told-table">{drawn}</div> : drawn
}

const Link = ({ place, children }: { readonly place: string | null; readonly children: ReactNode }) =>
  place ? (
    <>
      <a href={place} target="_blank" rel="noopener noreferrer">
        {children}
      </a>
      <span className="kw-dim">{` (${new URL(place).host})`}</span>
    </>
  ) : (
    children
  )

type NarrativeProps = { readonly root: Element; readonly label: string }

/** What a parsed element says, without the element itself. */
export const Narrative = ({ root, label }: NarrativeProps) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table inside scrolls, and must be reachable by keyboard
  <section className="kw-told" tabIndex={0} aria-label={label}>
    {nodes(root, { left: MOST }, 0, false)}
  </section>
)

/** Parses XHTML without running or fetching anything: a parsed document has no window. */
export const parseNarrative = (div: string): Element => parseInert(div, 'text/html').body
