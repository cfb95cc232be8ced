import type { SummaryView } from './links.ts'
import type { CompartmentView, Row } from './views.ts'

export const SECTIONS = ['conditions', 'medications', 'allergies', 'vaccinations', 'results', 'procedures', 'devices'] as const
export type Section = (typeof SECTIONS)[number]

/** One thing of a person's health: the newest record that speaks of it, and how many do. */
export type Fact = { readonly row: Row; readonly over: boolean; readonly times: number }

export type Facts = {
  /** What is going on before what is over; the newest first. */
  readonly facts: readonly Fact[]
  readonly count: number
  /** How many of all are going on. */
  readonly now: number
  /** A record that says there is nothing of the kind, or that nobody knows. */
  readonly absent: { readonly row: Row; readonly kind: 'none' | 'unknown' } | null
}

export type Overview = {
  readonly records: number
  readonly since: string | null
  readonly sections: Readonly<Record<Section, Facts>>
  /** From today on, the next first. */
  readonly appointments: readonly Row[]
  /** What others filed since this device last opened the vault. */
  readonly fresh: { readonly since: number; readonly count: number; readonly rows: readonly Row[] } | null
  readonly compartments: readonly CompartmentView[]
  readonly shares: number
  readonly requests: number
  /** As it was when this device last had it open; the records behind it are still being opened. */
  readonly opening?: true
}

export type ContactFact = { readonly name: string; readonly relation?: string; readonly phone?: string; readonly email?: string }

export type Person = {
  readonly name?: string
  readonly birthDate?: string
  readonly gender?: string
  readonly phone?: string
  readonly email?: string
  readonly address?: string
  readonly language?: string
  readonly doctor?: string
  readonly contacts: readonly ContactFact[]
  /** The records that say so. */
  readonly records: readonly string[]
}

/** What the record itself says beyond its line in a list. */
export type Detail = {
  /** FHIR Dosages. */
  readonly dosage?: readonly Readonly<Record<string, unknown>>[]
  readonly criticality?: string
  readonly reactions?: readonly string[]
  readonly reason?: string
  readonly by?: string
  /** The file it came in. */
  readonly file?: string
}

export type About = { readonly person: Person | null; readonly details: Readonly<Record<string, Detail>> }

/** What goes on paper: sections and the parts of the record that may be told of. */
export type PrintQuery = { readonly sections: readonly Section[]; readonly parts: readonly string[] }
export type Printable = { readonly sections: Readonly<Partial<Record<Section, Facts>>> }

/** A patient summary as it was made; its id names it when it is saved. */
export type MadeSummary = { readonly id: string; readonly summary: SummaryView }
export type SaveSummary = { readonly id: string; readonly form: 'bundle' | 'pdf'; readonly language: 'en' | 'de' }
