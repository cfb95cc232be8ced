import { detailsOf } from '#health/fhir/details'
import { facts } from '#health/fhir/facts'
import { field, type JsonObject, list, string } from '#health/fhir/read'

const XHTML = 'http://www.w3.org/1999/xhtml'

/** Text inside XHTML: nothing of it is ever markup, and nothing in it that XML 1.0 forbids. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\ufffe\uffff]/gu, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')

const cells = (tag: 'td' | 'th', texts: readonly string[]): string =>
  `<tr>${texts.map(t => `<${tag}>${escaped(t)}</${tag}>`).join('')}</tr>`

/** A line of a section for people: what, when, how it stands, and what else one must know. */
export type Line = {
  readonly what: string
  readonly date: string
  readonly status: string
  readonly more: string
  /** What may kill. */
  readonly danger: boolean
}

/** How to take it, what it does. */
function moreOf(resource: JsonObject): string {
  const d = detailsOf(resource)
  const dosage = (d.dosage ?? []).flatMap(x => string(field(x, 'text')) ?? string(field(x, 'patientInstruction')) ?? [])
  const notes = list(resource.note).flatMap(n => string(field(n, 'text')) ?? [])
  const parts = [...(d.reactions ?? []), ...dosage, ...(d.reason ? [d.reason] : []), ...notes.slice(0, 2)]
  return parts.join('; ').slice(0, 400)
}

const dangerous = (resource: JsonObject): boolean => detailsOf(resource).criticality === 'high'

export function lineOf(resource: JsonObject, title: string): Line {
  const told = facts(resource)
  return {
    what: title,
    date: told.dates.start?.slice(0, 10) ?? '',
    status: told.status ?? '',
    more: moreOf(resource),
    danger: dangerous(resource),
  }
}

const div = (content: string): JsonObject => ({
  status: 'generated',
  div: `<div xmlns="${XHTML}" xml:lang="en" lang="en">${content}</div>`,
})

export function sectionText(lines: readonly Line[]): JsonObject {
  const rows = lines.map(l => cells('td', [l.what, l.date, l.status, [l.danger && 'high risk', l.more].filter(Boolean).join('; ')]))
  return div(`<table><thead>${cells('th', ['What', 'Date', 'Status', 'More'])}</thead><tbody>${rows.join('')}</tbody></table>`)
}

export const emptyText = (text: string): JsonObject => div(`<p>${escaped(text)}</p>`)
