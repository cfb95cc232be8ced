/** Documents that are kept as they are: what a card needs to know of them. Reads a bounded beginning, never converts. */
import type { MediaGuess } from './detect.ts'
import { clean } from './fhir/facts.ts'
import type { Coding } from './fhir/read.ts'
import { readXml } from './xml.ts'

export type CardFacts = {
  readonly kind: MediaGuess['kind']
  readonly mediaType: string
  readonly title: string
  readonly codes: readonly Coding[]
  readonly dates: { readonly start?: string; readonly end?: string }
  /** As the document writes it, `Given Family` where it has parts. */
  readonly patientName?: string
  readonly patientId?: string
  /** HL7 v2: MSH-9 as `ORU^R01`. */
  readonly messageType?: string
}

/** How much of a text document is looked at: headers stand in front. */
const LIMIT = 1024 * 1024

/** `lab_report-2024.pdf` → `lab report-2024`; without folders, extension and odd characters. */
export function titleFromName(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? ''
  const stem = base.replace(/\.[A-Za-z0-9]{1,8}$/, '') || base
  return clean(stem.replaceAll('_', ' ')) || 'Document'
}

/** Bytes as text: UTF-8, UTF-16 with BOM, or the encoding that an XML declaration names; anything else as Latin-1. */
export function textOf(bytes: Uint8Array): string {
  const head = bytes.subarray(0, LIMIT)
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le').decode(head)
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder('utf-16be').decode(head)
  const declared = /^[^\n]{0,200}encoding=["']([\w-]{1,40})["']/.exec(String.fromCharCode(...head.subarray(0, 200)))?.[1]
  try {
    return new TextDecoder(declared ?? 'utf-8', { fatal: !declared }).decode(head, { stream: true })
  } catch {
    return new TextDecoder('windows-1252').decode(head)
  }
}

/** HL7 time (YYYY[MM[DD[HHMM…]]] with zone) as a FHIR date, or an instant when it has a zone. */
export function hl7Date(value: string | undefined): string | undefined {
  const m = /^(\d{4})(\d{2})?(\d{2})?(?:(\d{2})(\d{2})(\d{2})?(?:\.\d+)?)?([+-]\d{2}:?\d{2})?$/.exec((value ?? '').trim())
  if (!m) return undefined
  const [, year, month, day, hour, minute, second, zone] = m
  if ((month && (month < '01' || month > '12')) || (day && (day < '01' || day > '31'))) return undefined
  if (!month) return year
  if (!day) return `${year}-${month}`
  if (!hour || !zone || hour > '23') return `${year}-${month}-${day}`
  return `${year}-${month}-${day}T${hour}:${minute}:${second ?? '00'}${zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`}`
}

const LOINC_OID = '2.16.840.1.113883.6.1'

type Cda = {
  title: string
  code?: Coding
  date?: string
  serviceStart?: string
  serviceEnd?: string
  given: string[]
  family: string
  id?: string
}

/** One pass over the header; it ends where the body begins. */
function readCda(xml: string): Cda {
  const found: Cda = { title: '', given: [], family: '' }
  const path: string[] = []
  let names = 0
  for (const event of readXml(xml)) {
    if (event.kind === 'close') {
      path.length = Math.min(path.length, event.depth)
      continue
    }
    const here = path.slice(1).join('/')
    if (event.kind === 'text') {
      if (here === 'title') found.title += event.text
      if (names === 1 && here === 'recordTarget/patientRole/patient/name/given') found.given.push(event.text.trim())
      if (names === 1 && here === 'recordTarget/patientRole/patient/name/family') found.family += event.text.trim()
      continue
    }
    path.length = event.depth
    path.push(event.name)
    const place = path.slice(1).join('/')
    if (place === 'component') break
    element(found, place, event.attributes)
    if (place === 'recordTarget/patientRole/patient/name') names++
    if (event.empty) path.pop()
    if (path.length > 100) break
  }
  return found
}

function element(found: Cda, place: string, attributes: ReadonlyMap<string, string>): void {
  const value = attributes.get('value')
  if (place === 'code' && attributes.has('code')) {
    const display = attributes.get('displayName')
    const system = attributes.get('codeSystem') === LOINC_OID ? 'http://loinc.org' : `urn:oid:${attributes.get('codeSystem') ?? ''}`
    found.code = { system, code: attributes.get('code')!, ...(display ? { display: clean(display) } : {}) }
  }
  if (place === 'effectiveTime') found.date = hl7Date(value) ?? found.date ?? ''
  if (place === 'documentationOf/serviceEvent/effectiveTime/low') found.serviceStart ??= hl7Date(value) ?? ''
  if (place === 'documentationOf/serviceEvent/effectiveTime/high') found.serviceEnd ??= hl7Date(value) ?? ''
  if (place === 'recordTarget/patientRole/id') found.id ??= attributes.get('extension') ?? attributes.get('root') ?? ''
}

function cdaFacts(name: string, bytes: Uint8Array, media: MediaGuess): CardFacts {
  const cda = readCda(textOf(bytes))
  const patientName = clean([...cda.given, cda.family].filter(Boolean).join(' '))
  const start = cda.date || cda.serviceStart
  return {
    ...media,
    title: clean(cda.title) || cda.code?.display || titleFromName(name),
    codes: cda.code ? [cda.code] : [],
    dates: start ? { start } : {},
    ...(patientName ? { patientName } : {}),
    ...(cda.id ? { patientId: clean(cda.id) } : {}),
  }
}

const MESSAGES: Readonly<Record<string, string>> = {
  ADT: 'Admission or registration notice',
  ORU: 'Results',
  VXU: 'Vaccination update',
  MDM: 'Document notice',
  ORM: 'Order',
  OML: 'Laboratory order',
  SIU: 'Appointment notice',
  RDE: 'Pharmacy order',
  DFT: 'Billing notice',
  BAR: 'Billing account',
  RAS: 'Medication administration',
  PPR: 'Problem list',
}

type Separators = {
  readonly field: string
  readonly component: string
  readonly repetition: string
  readonly escape: string
  readonly sub: string
}

/** HL7 escapes of chapter 2.7: separators and hexadecimal; formatting is dropped. */
function unescapeHl7(value: string, s: Separators): string {
  const marks: Readonly<Record<string, string>> = { F: s.field, S: s.component, R: s.repetition, E: s.escape, T: s.sub }
  const e = s.escape.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return value.replace(new RegExp(`${e}([A-Z.][^${e}]{0,40})${e}`, 'g'), (_, code: string) => {
    if (Object.hasOwn(marks, code)) return marks[code]!
    if (/^X([0-9A-Fa-f]{2})+$/.test(code))
      return String.fromCharCode(...(code.slice(1).match(/../g) ?? []).map(h => Number.parseInt(h, 16)))
    return ' '
  })
}

function hl7Facts(name: string, bytes: Uint8Array, media: MediaGuess): CardFacts {
  const body = textOf(bytes).replace(/^[\uFEFF\v\s]+/, '')
  const segments = body.split(/[\r\n]+/, 2000)
  const msh = segments.find(s => s.startsWith('MSH')) ?? ''
  const s: Separators = {
    field: msh[3] ?? '|',
    component: msh[4] ?? '^',
    repetition: msh[5] ?? '~',
    escape: msh[6] ?? '\\',
    sub: msh[7] ?? '&',
  }
  const fields = (segment: string | undefined): string[] => (segment ?? '').split(s.field)
  const pid = fields(segments.find(x => x.startsWith('PID')))
  const part = (value: string | undefined, n: number): string =>
    unescapeHl7((value ?? '').split(s.repetition)[0]!.split(s.component)[n]?.split(s.sub)[0] ?? '', s)
  const header = fields(msh)
  const messageType = [part(header[8], 0), part(header[8], 1)].filter(Boolean).join('^')
  const order = fields(segments.find(x => x.startsWith('OBR')))
  const observed = hl7Date(part(order[7], 0)) ?? hl7Date(part(header[6], 0))
  const told = part(order[4], 1) || MESSAGES[messageType.slice(0, 3)] || titleFromName(name)
  const patientName = clean([part(pid[5], 1), part(pid[5], 0)].filter(Boolean).join(' '))
  const patientId = clean(part(pid[3], 0))
  return {
    ...media,
    title: clean(told) || 'Message',
    codes: [],
    dates: observed ? { start: observed } : {},
    ...(messageType ? { messageType: clean(messageType).slice(0, 20) } : {}),
    ...(patientName ? { patientName } : {}),
    ...(patientId ? { patientId } : {}),
  }
}

/**
 * Card facts of any document. Total: what cannot be read is named after its file.
 * @param name file name as given. @param bytes the document, or at least its first megabyte. @param media what `detect` said.
 */
export function documentFacts(name: string, bytes: Uint8Array, media: MediaGuess): CardFacts {
  if (media.kind === 'ccda') return cdaFacts(name, bytes, media)
  if (media.kind === 'hl7v2') return hl7Facts(name, bytes, media)
  const date = /(?:^|[^\d])((?:19|20)\d{2})[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?:[^\d]|$)/.exec(name)
  return { ...media, title: titleFromName(name), codes: [], dates: date ? { start: `${date[1]}-${date[2]}-${date[3]}` } : {} }
}
