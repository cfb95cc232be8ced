import { Button } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'
import { useWords } from '#words/context.tsx'
import { codeLabel, fieldLabel, unitLabel } from '#words/fhir.ts'
import type { Words } from '#words/words.ts'
import { Narrative, parseNarrative } from './narrative.tsx'

type Json = Readonly<Record<string, unknown>>

const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x)
const text = (x: unknown): string | null => (typeof x === 'string' && x.trim() ? x : null)
const list = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : x === undefined ? [] : [x])

/** Elements that say nothing to a person, or are shown elsewhere; the source has them. */
const HIDDEN = new Set(['resourceType', 'id', 'meta', 'text', 'implicitRules', 'contained', 'div'])
const DATE = /^\d{4}(-\d{2}(-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?)?)?$/
/** Codes such as `entered-in-error`; anything longer or with capitals is text. */
const CODE = /^[a-z][a-z-]{1,30}$/
const MANY = 12

/** A FHIR resource as labels and values, whatever its type and however irregular. Text is shown as text, never as mark-up. */
export function FhirTree({ resource }: { readonly resource: Json }) {
  const { t } = useWords()
  const told = useMemo(() => narrative(resource), [resource])
  return (
    <div className="kw-stack">
      <Members value={resource} />
      {told && (
        <details>
          <summary>{t('fhir.narrative')}</summary>
          <Narrative root={told} label={t('fhir.narrative')} />
        </details>
      )}
    </div>
  )
}

const Members = ({ value }: { readonly value: Json }) => {
  const { locale } = useWords()
  const members = Object.entries(value)
    .flatMap(unfolded)
    .filter(([name, v]) => !HIDDEN.has(name) && !name.startsWith('_') && !isEmpty(v) && !isBare(v))
  return (
    <dl className="kw-tree">
      {members.map(([name, v], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes, and two extensions may have one name
        <div key={i}>
          <dt>{fieldLabel(locale, name)}</dt>
          <dd>
            <Value value={v} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** An extension (FHIR R4 §2.4) is a member by the last word of its address: `…/us-core-birthsex` is `birthsex`. */
function unfolded([name, v]: readonly [string, unknown]): readonly (readonly [string, unknown])[] {
  if ((name !== 'extension' && name !== 'modifierExtension') || !Array.isArray(v)) return [[name, v]]
  return v.filter(isObject).map(({ url, id: _, ...rest }) => {
    const label = /([\w.-]+)\/?$/.exec(String(url))?.[1]?.replace(/^(us-core|patient)-/, '') ?? name
    const values = Object.entries(rest).filter(([key]) => !key.startsWith('_'))
    return [label, values.length === 1 && values[0]![0] !== 'extension' ? values[0]![1] : rest]
  })
}

/** A reference that only machines can follow says nothing here. */
const isBare = (v: unknown): boolean =>
  isObject(v) ? typeof v.reference === 'string' && !text(v.display) : Array.isArray(v) && v.length > 0 && v.every(isBare)
const isEmpty = (v: unknown): boolean => v === null || v === '' || (Array.isArray(v) && v.every(isEmpty))

function Value({ value }: { readonly value: unknown }): ReactNode {
  const words = useWords()
  const [all, setAll] = useState(false)
  if (Array.isArray(value)) {
    const told = value.map(v => brief(v, words))
    if (told.every(x => x !== null) && told.length <= MANY) return words.list(told as string[])
    const shown = all ? value : value.slice(0, MANY)
    return (
      <div className="kw-tree-many">
        {shown.map((v, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes
          <div key={i}>
            <Value value={v} />
          </div>
        ))}
        {shown.length < value.length && (
          <Button variant="subtle" size="compact-sm" onClick={() => setAll(true)}>
            {words.t('fhir.more', { count: value.length - shown.length })}
          </Button>
        )}
      </div>
    )
  }
  const told = brief(value, words)
  if (told !== null) return told
  return isObject(value) ? <Members value={value} /> : <span className="kw-dim">{words.t('fhir.empty')}</span>
}

/** A value of a usual FHIR data type in one line; null when it needs more. */
export function brief(value: unknown, words: Words): string | null {
  if (typeof value === 'number') return words.number(value)
  if (typeof value === 'boolean') return words.t(value ? 'fhir.yes' : 'fhir.no')
  if (typeof value === 'string')
    return DATE.test(value) ? words.date(value) : CODE.test(value) ? codeLabel(words.locale, value) : bare(value)
  return isObject(value)
    ? (dosage(value, words) ?? concept(value, words) ?? measure(value, words) ?? person(value, words) ?? other(value, words))
    : null
}

/** A number that the world knows a thing by, without what says to machines that it is one. */
const bare = (value: string): string => (DEFINED.exec(value)?.[1]?.replaceAll('-', ' ') ?? value).replace(/^urn:(oid|uuid):/, '')
/** The address of what FHIR calls a definition: a questionnaire that was answered, a plan that was followed. */
const DEFINED = /^https?:\/\/\S*\/(?:Questionnaire|[A-Z][A-Za-z]*Definition|Measure|Library|ValueSet|CodeSystem)\/([\w.-]+)(?:\|\S*)?$/

/** HL7's one-letter verdicts on a measurement, as words. */
const FLAGS: Readonly<Record<string, string>> = { N: 'normal', H: 'high', HH: 'very-high', L: 'low', LL: 'very-low', A: 'abnormal' }
const flag = (c: Json): string | undefined => (String(c.system).endsWith('ObservationInterpretation') ? FLAGS[String(c.code)] : undefined)

function concept(v: Json, words: Words): string | null {
  const coded = (c: unknown): string | null =>
    isObject(c) ? (text(c.display) ?? (text(c.code) && codeLabel(words.locale, flag(c) ?? String(c.code)))) : null
  if (Array.isArray(v.coding)) return text(v.text) ?? words.list(v.coding.map(coded).filter(x => x !== null))
  if ('text' in v && Object.keys(v).length === 1) return text(v.text)
  if ('system' in v && 'code' in v && !('value' in v)) return coded(v)
  if ('reference' in v || ('display' in v && !('code' in v))) return text(v.display) ?? text(v.reference)
  return null
}

function measure(v: Json, words: Words): string | null {
  if (typeof v.value === 'number')
    return [text(v.comparator), words.number(v.value), unitLabel(text(v.unit) ?? text(v.code) ?? '')].filter(Boolean).join(' ')
  if (typeof v.start === 'string' || typeof v.end === 'string')
    return [v.start, v.end]
      .map(d => (typeof d === 'string' ? words.date(d) : ''))
      .join(' – ')
      .trim()
  if (isObject(v.low) || isObject(v.high)) {
    const side = (x: unknown): string => (isObject(x) ? (measure(x, words) ?? '') : '')
    const range =
      isObject(v.low) && isObject(v.high) ? `${side(v.low)} – ${side(v.high)}` : isObject(v.low) ? `≥ ${side(v.low)}` : `≤ ${side(v.high)}`
    return [range, text(v.text)].filter(Boolean).join(', ')
  }
  return null
}

function person(v: Json, words: Words): string | null {
  if ('family' in v || 'given' in v)
    return text(v.text) ?? [...list(v.prefix), ...list(v.given), v.family, ...list(v.suffix)].filter(x => typeof x === 'string').join(' ')
  if ('city' in v || 'postalCode' in v || 'line' in v)
    return text(v.text) ?? [...list(v.line), [v.postalCode, v.city].filter(Boolean).join(' '), v.country].filter(Boolean).join(', ')
  if ('value' in v && typeof v.value === 'string') return bare(v.value)
  if (typeof v.data === 'string' && String(v.contentType).startsWith('text/plain')) return textIn(v.data)
  if (typeof v.data === 'string') return words.t('fhir.attachment', { size: words.bytes(Math.floor(v.data.length * 0.75)) })
  return null
}

/** Plain text that stands inside an attachment, as base64 (RFC 4648 §4). */
function textIn(data: string): string | null {
  try {
    return text(new TextDecoder().decode(Uint8Array.from(atob(data), c => c.charCodeAt(0))))
  } catch {
    return null
  }
}

/** A wrapper around one thing is that thing. */
function other(v: Json, words: Words): string | null {
  const entries = Object.entries(v).filter(([name]) => name !== 'extension')
  const [only] = entries
  if (entries.length !== 1 || !only) return null
  const told = list(only[1]).map(x => brief(x, words))
  return told.length > 0 && told.every(x => x !== null) ? words.list(told as string[]) : null
}

const UNITS = { min: 'minute', h: 'hour', d: 'day', wk: 'week', mo: 'month', a: 'year' } as const

/** How to take a medicine: the words that were written for it stand for the whole (FHIR R4 Dosage.text); else dose and times. */
function dosage(v: Json, words: Words): string | null {
  if (isObject(v.repeat)) return times(v.repeat, words)
  if (!('timing' in v || 'doseAndRate' in v)) return null
  if (text(v.text)) return text(v.text)
  const told = [...list(v.doseAndRate), ...list(v.timing), ...list(v.route)].map(x => brief(x, words))
  return told.every(x => x !== null) ? told.join(', ') : null
}

function times({ frequency = 1, period, periodUnit, ...rest }: Json, words: Words): string | null {
  const unit = UNITS[periodUnit as keyof typeof UNITS]
  if (!unit || typeof period !== 'number' || typeof frequency !== 'number' || Object.keys(rest).length) return null
  return words.n('fhir.timing', frequency, { period: words.span(period, unit) })
}

/** The narrative, parsed; null when it has no words. */
function narrative(resource: Json): Element | null {
  const div = isObject(resource.text) ? text(resource.text.div) : null
  const root = div ? parseNarrative(div) : null
  return root?.textContent?.trim() ? root : null
}
