/** What the mapping of one message works with: its rows, who it is about, and the resources made so far. */
import type { Resource } from '#health/fhir/build'
import { isObject, type JsonObject } from '#health/fhir/read'
import { authority, dateTime, zoneOf } from './datatypes.ts'
import type { Message } from './message.ts'
import { type Reader, type Rep, type Row, readMessage } from './read.ts'

export type MapOptions = {
  /** A UUID for a name: the same for the same name, and no way back from it. */
  readonly uuid: (name: string) => string
  /** When the message came: an instant. */
  readonly received: string
  /** The site's offset, as `+01:00`, for times that name no zone where MSH-7 names none either. */
  readonly zone?: string
  /** The logical id of the patient where the site has one; else one is made of PID-3. */
  readonly patientId?: string
  /** Reference to the record that keeps the message as it came. */
  readonly original?: JsonObject
}

/**
 * `told`: the message is about it. `named`: the message only carries it along (the visit in a result), and must not overwrite what a
 * message about it said.
 */
export type Standing = 'told' | 'named'
export type Out = {
  readonly resource: Resource
  readonly standing: Standing /** Where it came from, as `OBX[3]`. */
  readonly from: string
}

export type Context = {
  readonly message: Message
  readonly reader: Reader
  readonly options: MapOptions
  readonly zone: string | undefined
  readonly out: Map<string, Out>
  /** What could not be said in FHIR, by place; never a value. */
  readonly notes: { readonly place: string; readonly text: string }[]
  /** Namespace of ids that only the sender gives: MSH-3 and MSH-4. */
  readonly sender: string
  patient: JsonObject
  patientKey: string
  encounter: JsonObject | undefined
}

export function contextOf(message: Message, options: MapOptions): Context {
  const reader = readMessage(message)
  const msh = reader.row('MSH')!
  const zone = zoneOf(/[+-]\d{4}$/.exec(msh.text(7) ?? '')?.[0]) ?? options.zone
  const sender = [authority(msh.first(3)), authority(msh.first(4))].map(s => s ?? '').join('|')
  return { message, reader, options, zone, out: new Map(), notes: [], sender, patient: {}, patientKey: '', encounter: undefined }
}

/** Logical id from parts that name a thing at its sender; no part is left readable in it. */
export const idOf = (c: Context, type: string, ...parts: readonly (string | undefined)[]): string =>
  c.options.uuid(JSON.stringify(['hl7v2', type, ...parts.map(p => p ?? '')]))

export const when = (c: Context, value: string | undefined): string | undefined => dateTime(value, c.zone)

/** An entity identifier as a key: with its authority, or with the sender where it has none. */
export const keyOf = (c: Context, ei: Rep | undefined): string | undefined => {
  const value = ei?.text(1) ?? ei?.text(3)
  return value ? `${ei?.text(3) ?? ei?.text(2) ?? c.sender}|${value}` : undefined
}

/** FHIR's codes have no line breaks and single blanks (2.24.0.1); a sender's may. */
function spaced(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spaced)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([k, v]) => [k, k === 'code' && typeof v === 'string' ? v.replace(/\s+/g, ' ') : spaced(v)]),
  )
}

/** Adds a resource; a second one of the same id is the later word of the same message. */
export function add(c: Context, resource: Resource, row: Pick<Row, 'name' | 'place'>, standing: Standing = 'told'): JsonObject {
  const reference = `${resource.resourceType}/${String(resource.id)}`
  c.out.set(reference, { resource: spaced(resource) as Resource, standing, from: `${row.name}[${row.place}]` })
  return { reference }
}

export const note = (c: Context, row: Pick<Row, 'name' | 'place'>, field: number, text: string): void =>
  void c.notes.push({ place: `${row.name}[${row.place}]-${field}`, text })

/** The text of NTE segments, one annotation each. */
export function annotations(c: Context, rows: readonly Row[]): readonly JsonObject[] {
  return rows.flatMap(nte => {
    const text = nte
      .reps(3)
      .map(r => r.whole())
      .filter(t => t !== undefined)
      .join('\n')
    nte.text(1)
    nte.text(2)
    const time = when(c, nte.text(6))
    return text ? [{ ...(time ? { time } : {}), text }] : []
  })
}
