/** Data types of v2 (chapter 2A) as FHIR R4's, by HL7's v2-to-FHIR datatype maps. Each gives undefined where there is nothing to say. */
import type { JsonObject } from '#health/fhir/read'
import { readUnit } from '#health/ucum'
import { latin1 } from './charset.ts'
import { addressType, addressUse, isOid, isUri, mimeOf, nameUse, systemUri, telecomSystem, telecomUse, v2Table } from './codes.ts'
import type { Rep } from './read.ts'

export type Zone = string | undefined

/** Without members that say nothing; undefined when none is left. */
export function tidy(value: Readonly<Record<string, unknown>>): JsonObject | undefined {
  const kept = Object.entries(value).filter(([, v]) => v !== undefined && v !== '' && !(Array.isArray(v) && v.length === 0))
  return kept.length ? Object.fromEntries(kept) : undefined
}

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

const TIME = /^(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,4})?)?)?)?)?)?([+-]\d{4})?$/

/**
 * A TS, DTM or DT as FHIR dateTime. A time of day needs a zone in FHIR: its own, else `zone` (of MSH-7, or of the site, as `+01:00`);
 * without either the day remains.
 */
export function dateTime(value: string | undefined, zone?: Zone): string | undefined {
  const m = TIME.exec(value ?? '')
  if (!m) return undefined
  const [, year, month, day, hour, minute, second = '00', fraction = '', own] = m
  if (year === '0000' || (month && (month < '01' || month > '12'))) return undefined
  if (!month) return year
  if (!day) return `${year}-${month}`
  if (day < '01' || Number(day) > daysIn(Number(year), Number(month))) return undefined
  const date = `${year}-${month}-${day}`
  const offset = zoneOf(own) ?? zone
  if (!hour || !minute || !offset || hour > '23' || minute > '59' || second > '59') return date
  return `${date}T${hour}:${minute}:${second}${fraction}${offset}`
}

/** `+0100` → `+01:00`; undefined for what no place on earth has. */
export function zoneOf(value: string | undefined): string | undefined {
  const m = /^([+-])(\d{2})(\d{2})$/.exec(value ?? '')
  return m && m[2]! <= '14' && m[3]! < '60' ? `${m[1]}${m[2]}:${m[3]}` : undefined
}

export const instant = (value: string | undefined, zone?: Zone): string | undefined => {
  const found = dateTime(value, zone)
  return found?.includes('T') ? found : undefined
}
export const date = (value: string | undefined): string | undefined => dateTime(value)?.slice(0, 10)

/** A FHIR Period; an end that lies before the start is left out. */
export function period(start: string | undefined, end: string | undefined): JsonObject | undefined {
  const backwards =
    start && end && start.slice(0, Math.min(start.length, end.length, 10)) > end.slice(0, Math.min(start.length, end.length, 10))
  const instants = start?.includes('T') && end?.includes('T') && Date.parse(end) < Date.parse(start)
  return tidy({ start, end: backwards || instants ? undefined : end })
}

export function decimal(value: string | undefined): number | undefined {
  return value && /^[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$/.test(value) ? Number(value) : undefined
}

/** HD, or components of one: a URI where the authority has one that the world knows. */
export function authorityUri(id: string | undefined, type: string | undefined): string | undefined {
  if (!id) return undefined
  if (isOid(id) && (!type || type === 'ISO' || type === 'OID')) return `urn:oid:${id}`
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return `urn:uuid:${id.toLowerCase()}`
  return isUri(id) ? id : undefined
}

/** An assigning authority as one text for tables and keys: its universal id, else its local name. */
export const authority = (rep: Rep | undefined): string | undefined => rep?.text(2) ?? rep?.text(1)

const TYPES = v2Table('0203')
const SSN = 'http://hl7.org/fhir/sid/us-ssn'
const NPI = 'http://hl7.org/fhir/sid/us-npi'

/** CX: identifier with authority, type, and when it counts. */
export function identifier(cx: Rep, kind?: string): JsonObject | undefined {
  const value = cx.text(1)
  if (!value) return undefined
  const by = cx.part(4)
  const type = cx.text(5) ?? kind
  const named = by.text(1)
  const system = authorityUri(by.text(2), by.text(3)) ?? authorityUri(named, undefined)
  return tidy({
    ...(type ? { type: { coding: [{ system: TYPES, code: type }] } } : {}),
    system: system ?? (type === 'SS' ? SSN : undefined),
    value,
    period: period(dateTime(cx.text(7)), dateTime(cx.text(8))),
    ...(named && !system ? { assigner: { display: named } } : {}),
  })
}

/** EI: entity identifier; namespace in EI-2, universal id in EI-3. */
export function entityId(ei: Rep, type?: string): JsonObject | undefined {
  const value = ei.text(1) ?? ei.text(3)
  if (!value) return undefined
  const system = ei.text(1) ? authorityUri(ei.text(3), ei.text(4)) : undefined
  const named = ei.text(2)
  return tidy({
    ...(type ? { type: { coding: [{ system: TYPES, code: type }] } } : {}),
    system,
    value,
    ...(named && !system ? { assigner: { display: named } } : {}),
  })
}

/** XPN, and the name inside an XCN when `shift` is 1: components count from one further on there. */
export function humanName(xpn: Rep, shift = 0): JsonObject | undefined {
  const part = (n: number): string | undefined => xpn.text(n + shift)
  const given = [part(2), ...(part(3)?.split(/\s+/) ?? [])].filter(g => g !== undefined)
  const suffix = [part(4), part(6)].filter(s => s !== undefined)
  // XPN-7 is the type; in an XCN it is component 10.
  const use = nameUse(shift ? xpn.text(10) : part(7))
  return tidy({
    use,
    family: part(1),
    given,
    prefix: part(5) ? [part(5)] : undefined,
    suffix,
    ...(shift ? {} : { period: period(dateTime(xpn.text(12)), dateTime(xpn.text(13))) }),
  })
}

/** A name as one reads it. */
export function nameText(xpn: Rep, shift = 0): string | undefined {
  const part = (n: number): string | undefined => xpn.text(n + shift)
  const text = [part(5), part(2), part(3), part(1), part(4)].filter(Boolean).join(' ')
  return text || undefined
}

/** XAD. */
export function address(xad: Rep): JsonObject | undefined {
  const street = [xad.text(1, 1), [xad.text(1, 2), xad.text(1, 3)].filter(Boolean).join(' ')].filter(Boolean)
  const found = tidy({
    line: [...new Set([...street, xad.text(2)])].filter(l => l),
    city: xad.text(3),
    district: xad.text(9),
    state: xad.text(4),
    postalCode: xad.text(5),
    country: xad.text(6),
    period: period(dateTime(xad.text(13)), dateTime(xad.text(14))),
  })
  return found && { ...tidy({ use: addressUse(xad.text(7)), type: addressType(xad.text(7)) }), ...found }
}

/** XTN: the number as one piece (XTN-12), in parts (5 to 8), or as older senders write it (1); addresses in 4. */
export function contactPoint(xtn: Rep, use?: string): JsonObject | undefined {
  const area = xtn.text(6)
  const parts = xtn.text(7)
    ? [xtn.text(5) ? `+${xtn.text(5)!.replace(/^\+/, '')}` : undefined, area, xtn.text(7)].filter(Boolean).join(' ')
    : ''
  const extension = xtn.text(8)
  const number = xtn.text(12) || (parts ? `${parts}${extension ? ` ext. ${extension}` : ''}` : '') || xtn.text(1)
  const email = xtn.text(4)
  const mobile = xtn.text(3) === 'CP' || xtn.text(2) === 'PRS'
  if (email && (telecomSystem(xtn.text(3)) === 'email' || xtn.text(2) === 'NET' || !number))
    return { system: email.includes('@') ? 'email' : 'other', value: email, ...tidy({ use: telecomUse(xtn.text(2)) ?? use }) }
  if (!number) return undefined
  return {
    system: telecomSystem(xtn.text(3)) ?? 'phone',
    value: number,
    ...tidy({ use: mobile ? 'mobile' : (telecomUse(xtn.text(2)) ?? use) }),
  }
}

/** CE, CWE, CNE, CF: code, text and system, twice, and what was written originally. A `table` names the system where none is given. */
export function concept(cwe: Rep | undefined, table?: string): JsonObject | undefined {
  if (!cwe) return undefined
  const one = (code: string | undefined, display: string | undefined, system: string | undefined, oid?: string, version?: string) =>
    code ? tidy({ system: systemUri(system, oid) ?? (system ? undefined : table), version, code, display }) : undefined
  const [a, b] = [
    one(cwe.text(1), cwe.text(2), cwe.text(3), cwe.text(14), cwe.text(7)),
    one(cwe.text(4), cwe.text(5), cwe.text(6), cwe.text(17), cwe.text(8)),
  ]
  return tidy({
    coding: [a, b].filter(c => c !== undefined),
    text: cwe.text(9) ?? cwe.text(2) ?? cwe.text(5) ?? (a || b ? undefined : cwe.whole()),
  })
}

export const conceptOf = (system: string, code: string, display?: string): JsonObject => ({
  coding: [{ system, code, ...(display ? { display } : {}) }],
})

const UCUM = 'http://unitsofmeasure.org'

/** A unit (OBX-6, CQ-2): UCUM where it says so or can be nothing else. */
export function unitOf(ce: Rep | undefined): JsonObject {
  const code = ce?.text(1)
  if (!code) return ce?.text(2) ? { unit: ce.text(2) } : {}
  const system = ce?.text(3)
  const ucum = system === 'UCUM' || (!system && readUnit(code) !== null)
  return { unit: ce?.text(2) ?? code, ...(ucum ? { system: UCUM, code } : {}) }
}

export const quantity = (value: number, unit: JsonObject): JsonObject => ({ value, ...unit })

/** CQ: `5^mL&milliliter&UCUM`. */
export function composite(cq: Rep | undefined): JsonObject | undefined {
  const value = decimal(cq?.text(1))
  return value === undefined ? undefined : quantity(value, unitOf(cq?.part(2)))
}

/** SN: comparator, number, separator, number (2A.3.67). */
export function structured(sn: Rep, unit: JsonObject): JsonObject | undefined {
  const [sign, first, separator, second] = [sn.text(1), decimal(sn.text(2)), sn.text(3), decimal(sn.text(4))]
  if (first !== undefined && second !== undefined) {
    if (separator === '-') return { valueRange: { low: quantity(first, unit), high: quantity(second, unit) } }
    if (separator === ':' || separator === '/') return { valueRatio: { numerator: { value: first }, denominator: { value: second } } }
    return undefined
  }
  if (first === undefined || second !== undefined || (separator && separator !== '+')) return undefined
  if (separator === '+' || (sign && !/^([<>]=?|=)$/.test(sign))) return undefined
  const comparator = sign && sign !== '=' ? { comparator: sign } : {}
  return { valueQuantity: { value: first, ...comparator, ...unit } }
}

export const toBase64 = (bytes: Uint8Array): string => btoa(latin1(bytes))

/** ED: type, subtype, encoding and data; undefined unless it is base64, hexadecimal or plain text. */
export function encapsulated(ed: Rep): JsonObject | undefined {
  const data = ed.text(5)
  const encoding = ed.text(4)?.toLowerCase()
  if (!data) return undefined
  const contentType = mimeOf(ed.text(2), ed.text(3)) ?? mimeOf(ed.text(2), ed.text(2)) ?? 'application/octet-stream'
  if (encoding === 'base64') {
    const clean = data.replace(/\s/g, '')
    return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(clean) ? { contentType, data: clean } : undefined
  }
  if (encoding === 'hex' && /^([0-9A-Fa-f]{2})+$/.test(data))
    return { contentType, data: toBase64(Uint8Array.from(data.match(/../g)!, h => Number.parseInt(h, 16))) }
  return encoding === 'a' || !encoding
    ? {
        contentType: contentType === 'application/octet-stream' ? 'text/plain' : contentType,
        data: toBase64(new TextEncoder().encode(data)),
      }
    : undefined
}

type Named = {
  readonly type: 'Practitioner' | 'Organization' | 'Location'
  readonly id?: JsonObject | undefined
  readonly display: string | undefined
}

/** People and places are named where they occur: a record of one patient needs their name and number, not a directory. */
export function named({ type, id, display }: Named): JsonObject | undefined {
  const identifier =
    id &&
    tidy({ system: id.system, value: id.value, ...(id.type ? { type: id.type } : {}), ...(id.assigner ? { assigner: id.assigner } : {}) })
  return identifier || display ? { type, ...(identifier ? { identifier } : {}), ...(display ? { display } : {}) } : undefined
}

/** XCN: number and name of a professional. */
export function practitioner(xcn: Rep | undefined): JsonObject | undefined {
  if (!xcn) return undefined
  const by = xcn.part(9)
  const type = xcn.text(13)
  const value = xcn.text(1)
  const system = authorityUri(by.text(2), by.text(3)) ?? (type === 'NPI' ? NPI : undefined)
  const id = value ? tidy({ system, value, ...(by.text(1) && !system ? { assigner: { display: by.text(1) } } : {}) }) : undefined
  return named({ type: 'Practitioner', id, display: nameText(xcn, 1) })
}

/** XON, or a CE/CWE that names an organisation. */
export function organization(xon: Rep | undefined): JsonObject | undefined {
  if (!xon) return undefined
  const value = xon.text(10) ?? xon.text(3)
  const by = xon.part(6)
  const id = value ? tidy({ system: authorityUri(by.text(2), by.text(3)), value }) : undefined
  return named({ type: 'Organization', id, display: xon.text(1) })
}

/** PL: point of care, room, bed, facility, building, floor. */
export function location(pl: Rep | undefined): JsonObject | undefined {
  if (!pl) return undefined
  const parts = [pl.text(9), pl.text(4), pl.text(7), pl.text(8), pl.text(1), pl.text(2), pl.text(3)]
  return named({ type: 'Location', display: [...new Set(parts.filter(Boolean))].join(', ') || undefined })
}
