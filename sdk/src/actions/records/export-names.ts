import { toHex } from '#base/bytes'
import type { Card } from '#records/card'

/** File extensions by media type, for what leaves the vault as files. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/fhir+json': 'json',
  'application/fhir+ndjson': 'ndjson',
  'application/fhir+xml': 'xml',
  'application/json': 'json',
  'application/xml': 'xml',
  'application/cda+xml': 'xml',
  'application/dicom': 'dcm',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'application/gzip': 'gz',
  'application/rtf': 'rtf',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/smart-health-card': 'smart-health-card',
  'x-application/hl7-v2+er7': 'hl7',
  'text/x-vcf': 'vcf',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/csv': 'csv',
  'text/html': 'html',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/tiff': 'tiff',
  'image/webp': 'webp',
  'image/svg+xml': 'svg',
  'video/mp4': 'mp4',
  'audio/mpeg': 'mp3',
  'application/cbor': 'cbor',
  'application/vnd.keepwell.attestation+cbor': 'cbor',
}

/** Letters, digits and a few marks of any script; nothing that a file system or a shell takes for something else. */
const plain = (s: string): string =>
  s
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}\p{M} ,+()_-]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** `fhir/Observation/2024-05-31 HbA1c 3f9a01b2c3d4.json`: unique by its id, never longer than common file systems take. */
export function fileNameOf({ id, card }: { readonly id: Uint8Array; readonly card: Card }): string {
  const folder = card.kind === 'fhir' ? `fhir/${plain(card.resourceType ?? 'Unknown').slice(0, 40) || 'Unknown'}` : card.kind
  const date = card.start?.slice(0, 10).replace(/[^\d-]/g, '') ?? ''
  const title = [...plain(card.title)].slice(0, 60).join('').trim()
  const stem = [date, title, toHex(id).slice(0, 12)].filter(Boolean).join(' ')
  return `${folder}/${stem}.${EXTENSIONS[card.mediaType] ?? 'bin'}`
}
