/** Made-up messages and documents of other standards: HL7 v2, C-CDA, Apple Health, Open mHealth, VCF. */
import { PANELS, VACCINES } from './catalog.ts'
import { person } from './people.ts'
import type { Prng } from './prng.ts'
import { prng } from './prng.ts'

/** Unix seconds as HL7 time: YYYYMMDDHHMMSS+0000. */
const stamp = (at: number): string => `${new Date(at * 1000).toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`
const dayOf = (at: number): string => new Date(at * 1000).toISOString().slice(0, 10)

type Who = { readonly given: string; readonly family: string; readonly gender: string; readonly id: string; readonly born: string }
function who(random: Prng): Who {
  const { given, family, gender } = person(random)
  return {
    given,
    family,
    gender,
    id: `SAMPLE-${random.int(100_000, 999_999)}`,
    born: `19${random.int(40, 99)}0${random.int(1, 9)}1${random.int(0, 9)}`,
  }
}

const DAY = 86_400
export type At = { /** The present, as Unix seconds. */ readonly now: number }

/** An HL7 v2.5.1 message (segments end with CR, UTF-8): results (ORU^R01), admission (ADT^A01) or vaccination (VXU^V04). */
export function sampleHl7v2(seed: string, { now, type = 'ORU^R01' }: At & { readonly type?: 'ORU^R01' | 'ADT^A01' | 'VXU^V04' }): string {
  const random = prng(`keepwell-hl7v2/${seed}`)
  const p = who(random)
  const [kind, event] = type.split('^') as [string, string]
  const structure = kind === 'ORU' ? 'ORU_R01' : kind === 'ADT' ? 'ADT_A01' : 'VXU_V04'
  const segments = [
    `MSH|^~\\&|SAMPLELAB|SAMPLEBURY|KEEPWELL|HOME|${stamp(now)}||${kind}^${event}^${structure}|${random.int(10_000, 99_999)}|P|2.5.1||||||UNICODE UTF-8`,
    ...(kind === 'ADT' ? [`EVN|${event}|${stamp(now)}`] : []),
    `PID|1||${p.id}^^^SAMPLE&2.999.1.1&ISO^MR||${p.family}^${p.given}||${p.born}|${p.gender === 'female' ? 'F' : 'M'}`,
    ...(kind === 'ADT' ? ['PV1|1|O|CLINIC^^^SAMPLEBURY'] : []),
  ]
  if (kind === 'ORU') {
    const panel = random.pick(PANELS)
    segments.push(
      `OBR|1||${random.int(1000, 9999)}|${panel.code}^${panel.name}^LN|||${stamp(now - 7200)}|||||||||||||||${stamp(now)}||LAB|F`,
    )
    panel.analytes.forEach((a, i) => {
      const value = random.normal(a.mean, a.deviation).toFixed(a.digits)
      const flag = Number(value) < a.low ? 'L' : Number(value) > a.high ? 'H' : 'N'
      segments.push(
        `OBX|${i + 1}|NM|${a.code}^${a.name.replaceAll('^', '')}^LN||${value}|${a.unit}^^UCUM|${a.low}-${a.high}|${flag}|||F|||${stamp(now - 7200)}`,
      )
    })
  }
  if (kind === 'VXU') {
    const [code, name] = random.pick(VACCINES)
    segments.push(
      `ORC|RE||${random.int(1000, 9999)}^SAMPLE`,
      `RXA|0|1|${dayOf(now).replaceAll('-', '')}||${code}^${name}^CVX|0.5|mL^^UCUM||00^New immunization record^NIP001`,
    )
  }
  return `${segments.join('\r')}\r`
}

const xml = (s: string): string => s.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A small Continuity of Care Document (C-CDA R2.1) with allergies, problems and results as narrative sections. */
export function sampleCcda(seed: string, { now }: At): string {
  const random = prng(`keepwell-ccda/${seed}`)
  const p = who(random)
  const section = (root: string, code: string, title: string, text: string): string =>
    `<component><section nullFlavor="NI"><templateId root="${root}"/><code code="${code}" codeSystem="2.16.840.1.113883.6.1"/><title>${title}</title><text>${xml(text)}</text></section></component>`
  return `<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc">
<realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.10.20.22.1.1" extension="2015-08-01"/><templateId root="2.16.840.1.113883.10.20.22.1.2" extension="2015-08-01"/>
<id root="2.999.3.${random.uint32()}"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summarization of Episode Note"/>
<title>Continuity of care document (made up)</title><effectiveTime value="${stamp(now)}"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="en-US"/>
<recordTarget><patientRole><id extension="${p.id}" root="2.999.1.1"/><addr use="HP"><streetAddressLine>1 Imaginary Lane</streetAddressLine><city>Samplebury</city><country>ZZ</country></addr><telecom nullFlavor="NI"/>
<patient><name use="L"><given>${p.given}</given><family>${p.family}</family></name><administrativeGenderCode code="${p.gender === 'female' ? 'F' : 'M'}" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="${p.born}"/></patient></patientRole></recordTarget>
<author><time value="${stamp(now)}"/><assignedAuthor><id root="2.999.1.3" extension="1"/><addr nullFlavor="NI"/><telecom nullFlavor="NI"/><assignedPerson><name><given>Quilla</given><family>Testerby</family></name></assignedPerson></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="2.999.1.2"/><name>Samplebury General Hospital (fictional)</name><telecom nullFlavor="NI"/><addr nullFlavor="NI"/></representedCustodianOrganization></assignedCustodian></custodian>
<documentationOf><serviceEvent classCode="PCPR"><effectiveTime><low value="${stamp(now - 365 * DAY)}"/><high value="${stamp(now)}"/></effectiveTime></serviceEvent></documentationOf>
<component><structuredBody>
${section('2.16.840.1.113883.10.20.22.2.6.1', '48765-2', 'Allergies', 'Peanuts: hives.')}
${section('2.16.840.1.113883.10.20.22.2.5.1', '11450-4', 'Problems', 'Essential hypertension since 2015.')}
${section('2.16.840.1.113883.10.20.22.2.3.1', '30954-2', 'Results', 'Hemoglobin 14.1 g/dL.')}
</structuredBody></component></ClinicalDocument>
`
}

/** `2024-03-05 10:15:00 +0000`, as Apple writes it. */
const appleTime = (at: number): string => `${new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')} +0000`

/** An Apple Health `export.xml` of so many days: steps and pulse by the hour, sleep by the night. */
export function sampleAppleHealth(seed: string, { now, days = 7 }: At & { readonly days?: number }): string {
  const random = prng(`keepwell-apple/${seed}`)
  const lines = [
    `<ExportDate value="${appleTime(now)}"/>`,
    '<Me HKCharacteristicTypeIdentifierDateOfBirth="1970-01-01" HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexNotSet"/>',
  ]
  const record = (type: string, unit: string, from: number, to: number, value: string): void => {
    const u = unit ? ` unit="${unit}"` : ''
    lines.push(
      `<Record type="${type}" sourceName="Made-up Watch" sourceVersion="1.0"${u} creationDate="${appleTime(to)}" startDate="${appleTime(from)}" endDate="${appleTime(to)}" value="${value}"/>`,
    )
  }
  for (let d = days; d > 0; d--) {
    const midnight = now - d * DAY
    record(
      'HKCategoryTypeIdentifierSleepAnalysis',
      '',
      midnight,
      midnight + random.int(6, 9) * 3600,
      'HKCategoryValueSleepAnalysisAsleepCore',
    )
    for (let h = 7; h < 22; h++) {
      record('HKQuantityTypeIdentifierStepCount', 'count', midnight + h * 3600, midnight + h * 3600 + 3599, String(random.int(20, 1400)))
      record('HKQuantityTypeIdentifierHeartRate', 'count/min', midnight + h * 3600, midnight + h * 3600, String(random.int(55, 120)))
    }
  }
  const dtd = '<!DOCTYPE HealthData [\n<!ELEMENT HealthData (ExportDate,Me,Record*)>\n<!ATTLIST HealthData locale CDATA #REQUIRED>\n]>'
  return `<?xml version="1.0" encoding="UTF-8"?>\n${dtd}\n<HealthData locale="en_ZZ">\n${lines.join('\n')}\n</HealthData>\n`
}

/** Open mHealth data points (schema omh:heart-rate 2.0), one a day. */
export function sampleOpenMhealth(seed: string, { now, days = 7 }: At & { readonly days?: number }): Record<string, unknown>[] {
  const random = prng(`keepwell-omh/${seed}`)
  return Array.from({ length: days }, (_, i) => ({
    header: {
      id: random.uuid(),
      creation_date_time: new Date((now - i * DAY) * 1000).toISOString(),
      schema_id: { namespace: 'omh', name: 'heart-rate', version: '2.0' },
      acquisition_provenance: { source_name: 'Made-up Watch', modality: 'sensed' },
    },
    body: {
      heart_rate: { value: random.int(52, 96), unit: 'beats/min' },
      effective_time_frame: { date_time: new Date((now - i * DAY) * 1000).toISOString() },
    },
  }))
}

/** Wearable data in one of the two usual shapes, as text. */
export function sampleWearable(
  seed: string,
  options: At & { readonly days?: number; readonly format?: 'apple-health' | 'open-mhealth' },
): string {
  return options.format === 'open-mhealth' ? JSON.stringify(sampleOpenMhealth(seed, options), null, 1) : sampleAppleHealth(seed, options)
}

/** Public pharmacogenetic positions (GRCh38): chromosome, position, rs number, reference, alternative, gene. */
const POSITIONS: readonly (readonly [string, number, string, string, string, string])[] = [
  ['chr1', 97450058, 'rs3918290', 'C', 'T', 'DPYD'],
  ['chr6', 18130687, 'rs1142345', 'T', 'C', 'TPMT'],
  ['chr10', 94781859, 'rs4244285', 'G', 'A', 'CYP2C19'],
  ['chr10', 94942290, 'rs1799853', 'C', 'T', 'CYP2C9'],
  ['chr12', 21178615, 'rs4149056', 'T', 'C', 'SLCO1B1'],
  ['chr16', 31096368, 'rs9923231', 'C', 'T', 'VKORC1'],
  ['chr22', 42126611, 'rs1135840', 'C', 'G', 'CYP2D6'],
]

/** A VCF 4.3 of one sample with pharmacogenetic positions. */
export function sampleVcf(seed: string): string {
  const random = prng(`keepwell-vcf/${seed}`)
  const contigs = [...new Set(POSITIONS.map(p => p[0]))].map(c => `##contig=<ID=${c},assembly=GRCh38>`)
  const rows = POSITIONS.map(([chromosome, position, id, from, to, gene]) =>
    [
      chromosome,
      position,
      id,
      from,
      to,
      random.int(40, 99),
      'PASS',
      `GENE=${gene}`,
      'GT:DP',
      `${random.pick(['0/0', '0/1', '1/1'])}:${random.int(20, 60)}`,
    ].join('\t'),
  )
  return [
    '##fileformat=VCFv4.3',
    '##source=KeepwellSample',
    ...contigs,
    '##INFO=<ID=GENE,Number=1,Type=String,Description="Gene">',
    '##FILTER=<ID=PASS,Description="All filters passed">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Read depth">',
    '#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tSAMPLE',
    ...rows,
    '',
  ].join('\n')
}
