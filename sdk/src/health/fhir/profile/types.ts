/** A profile as it is checked: only what it asks beyond R4, which is checked already. Plain values, so that they can be committed as JSON. */

export type Discriminator = readonly [type: string, path: string]

export type Rule = {
  /** Element name: `name`, `value[x]`. Empty at the root. */
  readonly n: string
  readonly min?: number
  /** Absent: no limit beyond R4's. */
  readonly max?: number
  /** Type codes that a choice is limited to. */
  readonly t?: readonly string[]
  /** Profiles of the datatype or extension, any of which will do. */
  readonly p?: readonly string[]
  /** What a reference may lead to: canonical URLs. */
  readonly to?: readonly string[]
  readonly fixed?: unknown
  readonly pattern?: unknown
  /** Required value set. */
  readonly b?: string
  /** Error-level invariants beyond R4's: [key, human text, FHIRPath]. */
  readonly c?: readonly (readonly [key: string, human: string, expression: string])[]
  readonly slicing?: { readonly by: readonly Discriminator[]; readonly closed?: true }
  readonly slices?: readonly (Rule & { readonly slice: string })[]
  readonly of?: readonly Rule[]
}

export type Profile = {
  readonly url: string
  readonly version: string
  /** Resource or data type. */
  readonly type: string
  readonly title: string
  readonly rule: Rule
}

/** A value set that is spelled out: systems and their codes. */
export type CodeSet = readonly (readonly [system: string, codes: readonly string[]])[]

/** What a package of definitions comes to. */
export type ProfilePackage = {
  readonly name: string
  readonly version: string
  readonly profiles: readonly Profile[]
  readonly valueSets: Readonly<Record<string, CodeSet>>
}
