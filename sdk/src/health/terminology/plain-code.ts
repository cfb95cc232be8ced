/** A code that nobody gave a name, as people can read it in any language of the house: `Code 47682-0175 (NDC)`. */
import type { Coding } from '#health/fhir/read'

/** What people call code systems whose addresses do not say it. */
const SYSTEMS: Readonly<Record<string, string>> = {
  'http://snomed.info/sct': 'SNOMED CT',
  'http://loinc.org': 'LOINC',
  'http://unitsofmeasure.org': 'UCUM',
  'http://www.nlm.nih.gov/research/umls/rxnorm': 'RxNorm',
  'http://www.ama-assn.org/go/cpt': 'CPT',
  'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets': 'HCPCS',
  'http://www.whocc.no/atc': 'ATC',
  'http://dicom.nema.org/resources/ontology/DCM': 'DICOM',
  'http://fhir.de/CodeSystem/ifa/pzn': 'PZN',
  'http://fhir.de/CodeSystem/bfarm/ops': 'OPS',
  'urn:ietf:rfc:3986': 'OID',
}

/** `http://hl7.org/fhir/sid/icd-10-cm` → `ICD-10-CM`; `…/CodeSystem/BRCIAP2` → `BRCIAP2`; nothing where only a machine could read it. */
function systemName(system: string): string {
  if (Object.hasOwn(SYSTEMS, system)) return SYSTEMS[system]!
  const last = /^https?:\/\/.*\/([A-Za-z][\w.-]{1,40})\/?(\|.*)?$/.exec(system)?.[1]
  if (!last) return ''
  return /\/sid\//.test(system) ? last.toUpperCase() : last
}

/** Of codes that are words (`assess-plan`) the words. */
export function plainCode({ system, code }: Pick<Coding, 'system' | 'code'>): string {
  if (/^[A-Za-z][a-z]{3,}([- ][a-z]+)*$/.test(code)) return code.replaceAll('-', ' ')
  const of = systemName(system)
  return `Code ${code.replace(/^urn:oid:/, '')}${of ? ` (${of})` : ''}`
}
