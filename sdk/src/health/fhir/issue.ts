export type Issue = {
  readonly severity: 'error' | 'warning'
  /** FHIR `OperationOutcome.issue.code`. */
  readonly code: string
  /** FHIRPath-like: `Patient.name[0].given`. Names of unknown properties are left out, since they come from the input. */
  readonly path: string
  /** What is wrong; never a value of the resource. */
  readonly text: string
}

export const problem = (code: string, path: string, text: string): Issue => ({ severity: 'error', code, path, text })
export const warning = (code: string, path: string, text: string): Issue => ({ severity: 'warning', code, path, text })

export type CheckOptions = {
  /** Text that looks like HTML, in strings and markdown: a warning (default), or an error where others will show what we take in. */
  readonly htmlInText?: 'error' | 'warning'
  /** The Questionnaire of a canonical URL (with or without `|version`), to check responses against; undefined when it is not known. */
  readonly questionnaire?: (canonical: string) => unknown
  /** HL7's search parameter of a URL; null when that is not known. */
  readonly searchParameter?: (url: string) => { readonly type: string; readonly bases: ReadonlySet<string> } | null
  /** Whether a code is in a value set; null when that is not known. */
  readonly valueSet?: (url: string) => { has(system: string | undefined, code: string): boolean } | null
}
