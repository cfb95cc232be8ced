/** DICOM JSON as the Native DICOM Model in XML (PS3.19 §A.1). */
import { keywordOf } from './dictionary.ts'
import type { DicomJson, JsonElement, JsonValue, PersonName } from './json.ts'

/** What XML 1.0 cannot hold at all is left out. */
const escaped = (s: string): string =>
  s
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is meant.
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .toWellFormed()
    .replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`)

function personXml(value: PersonName, number: number): string {
  const group = (name: keyof PersonName): string => {
    if (!value[name]) return ''
    const parts = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix']
    const told = value[name].split('^').flatMap((c, i) => (c && parts[i] ? [`<${parts[i]}>${escaped(c)}</${parts[i]}>`] : []))
    return `<${name}>${told.join('')}</${name}>`
  }
  return `<PersonName number="${number}">${group('Alphabetic')}${group('Ideographic')}${group('Phonetic')}</PersonName>`
}

function valueXml(vr: string, value: JsonValue, number: number): string {
  if (value === null) return `<Value number="${number}"/>`
  if (typeof value !== 'object') return `<Value number="${number}">${escaped(String(value))}</Value>`
  return vr === 'PN' ? personXml(value as PersonName, number) : `<Item number="${number}">${attributes(value as DicomJson)}</Item>`
}

function contentXml({ vr, Value, InlineBinary, BulkDataURI }: JsonElement): string {
  if (BulkDataURI !== undefined) return `<BulkData uri="${escaped(BulkDataURI)}"/>`
  if (InlineBinary !== undefined) return `<InlineBinary>${InlineBinary}</InlineBinary>`
  return (Value ?? []).map((v, i) => valueXml(vr, v, i + 1)).join('')
}

const attributes = (dataset: DicomJson): string =>
  Object.entries(dataset)
    .map(([tag, element]) => {
      const keyword = keywordOf(Number.parseInt(tag, 16))
      return `<DicomAttribute tag="${tag}" vr="${element.vr}"${keyword ? ` keyword="${keyword}"` : ''}>${contentXml(element)}</DicomAttribute>`
    })
    .join('')

export const nativeXml = (dataset: DicomJson): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">${attributes(dataset)}</NativeDicomModel>`
