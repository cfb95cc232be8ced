/** What a record says is not there: "no known allergies" is an entry like any other, and must not be shown as an allergy. */
export type Absence = 'none' | 'unknown'

type Code = { readonly system?: string | undefined; readonly code: string }

/** SNOMED CT's situations of no known allergy (to anything, drugs, food, the environment, latex), problem, and current medication. */
const SNOMED = new Set(['716186003', '409137002', '429625007', '428607008', '1003774007', '160245001', '787481004', '160243008'])
/** The International Patient Summary's own codes: `no-known-allergies`, `no-medication-info` and so on. */
const IPS = /absent-unknown-uv-ips$/

/** Whether codes say that there is nothing of this kind, or that nobody knows; null when they name a thing. */
export function absenceOf(codes: readonly Code[]): Absence | null {
  for (const { system = '', code } of codes) {
    if (IPS.test(system)) return /-info$/.test(code) ? 'unknown' : 'none'
    if (/snomed/.test(system) && SNOMED.has(code)) return 'none'
  }
  return null
}
