/** What a person types in, as the form holds it; empty text is nothing said. */
export type Typed =
  | {
      readonly kind: 'medication'
      readonly name: string
      readonly dose: string
      readonly from: string
      readonly until: string
      readonly state: 'active' | 'completed' | 'stopped'
      readonly reason: string
      readonly note: string
    }
  | {
      readonly kind: 'allergy'
      readonly substance: string
      readonly category: '' | 'food' | 'medication' | 'environment' | 'biologic'
      readonly reaction: string
      readonly severity: '' | 'mild' | 'moderate' | 'severe'
      readonly dangerous: boolean
      readonly since: string
      readonly note: string
    }
  | {
      readonly kind: 'vaccination'
      readonly vaccine: string
      readonly date: string
      readonly dose: number | null
      readonly manufacturer: string
      readonly lot: string
      readonly where: string
      readonly note: string
    }
  | {
      readonly kind: 'measurement'
      readonly what: string
      readonly name: string
      readonly value: number | null
      readonly second: number | null
      readonly unit: string
      readonly laboratory: boolean
      readonly date: string
      readonly note: string
    }
  | {
      readonly kind: 'condition'
      readonly name: string
      readonly state: 'active' | 'remission' | 'resolved'
      readonly since: string
      readonly until: string
      readonly note: string
    }
  | { readonly kind: 'note'; readonly title: string; readonly text: string; readonly date: string }

export type TypedKind = Typed['kind']

/** What can be measured, and in which units (UCUM, and as people write it). */
export type Measures = {
  readonly measures: readonly { readonly name: string; readonly units: readonly MeasureUnit[] }[]
  readonly units: readonly MeasureUnit[]
}
export type MeasureUnit = { readonly code: string; readonly label: string }

export type NewFile = { readonly name: string; readonly file: Blob }

/** `of` is the record that is typed over. */
export type TypeIn = { readonly typed: Typed; readonly files: readonly NewFile[]; readonly of?: string }
export type TypedIn = { readonly id: string }
export type TypedBefore = { readonly typed: Typed; readonly attached: readonly RecordLink[] }

/** Another record that belongs to this one. */
export type RecordLink = { readonly id: string; readonly title: string; readonly type: string }

/** Something about a record that breaks the rules of its format. */
export type IssueView = { readonly serious: boolean; readonly path: string; readonly text: string }

export type Photographed = { readonly pages: readonly Blob[]; readonly title: string; readonly date: string; readonly kind: string }

/** One import, as this device remembers it. */
export type ImportView = {
  readonly id: string
  readonly at: number
  readonly files: number
  readonly records: number
  readonly withIssues: number
  readonly failed: number
  /** Records of it that are still there. */
  readonly left: number
}

export type ImportFile = {
  readonly index: number
  readonly file: string
  readonly taken: number
  readonly withIssues: number
  readonly already: number
  readonly unreadable: number
  readonly failed: number
  readonly why: string
  readonly left: number
  /** Records whose form is irregular, to be looked at. */
  readonly irregular: readonly RecordLink[]
}

export type ImportDetail = { readonly about: ImportView; readonly files: readonly ImportFile[] }

/** What to take back: a whole import, or one file of it. */
export type Undoing = { readonly id: string; readonly file?: number }
export type Undone = { readonly records: number; readonly receipts: number; readonly at: number | null }
