import type { HttpAnswer } from '#http/route'
import { MOST_RESULTS } from './search.ts'
import type { StoreLimits } from './store.ts'

export type Service = { readonly method: 'GET' | 'POST'; readonly path: string; readonly does: 'search' | 'retrieve' | 'store' }

/** Media types by what a service does; for people, and for whoever sets up a client. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  search: ['application/dicom+json'],
  store: ['multipart/related; type="application/dicom"', 'application/dicom'],
  instances: ['multipart/related; type="application/dicom"; transfer-syntax=*', 'application/dicom (one instance)'],
  metadata: ['application/dicom+json', 'multipart/related; type="application/dicom+xml"'],
  frames: [
    'multipart/related; type="application/octet-stream"',
    'multipart/related; type="image/jpeg|image/jls|image/jp2|image/jphc|image/dicom-rle"',
  ],
  bulkdata: ['multipart/related; type="application/octet-stream"', 'application/octet-stream (with byte ranges)'],
  rendered: ['image/jpeg', 'image/png'],
}

function typesOf({ path, does }: Service): readonly string[] {
  if (does !== 'retrieve') return TYPES[does]!
  const last = path.split('/').findLast(step => !step.startsWith('{'))!
  if (last === 'thumbnail') return TYPES.rendered!
  return TYPES[last] ?? TYPES.instances!
}

/** What is served, made from what is routed (PS3.18 §8.9 leaves the form of such documents open beside WADL). */
export function capabilities(base: string, services: readonly Service[], limits: StoreLimits): HttpAnswer {
  const body = {
    service: 'DICOMweb',
    standard: 'DICOM PS3.18',
    base,
    resources: services.map(s => ({ method: s.method, path: s.path, does: s.does, mediaTypes: typesOf(s) })),
    search: {
      matching: ['exact', 'wildcard', 'range', 'uid-list', 'sequence', 'fuzzy-names'],
      includefield: true,
      paging: true,
      mostResults: MOST_RESULTS,
    },
    retrieve: {
      transferSyntax: 'as stored; frames also as plain pixels, explicit VR little endian',
      rendered: { parameters: ['window', 'viewport (size only)', 'quality', 'accept'] },
    },
    store: { bytesPerInstance: limits.instance, bytesPerRequest: limits.request },
    notOffered: [
      'worklists (UPS-RS)',
      'delete',
      'transcoding of whole instances',
      'rendered video and documents',
      '12-bit JPEG and JPEG XL as pictures',
    ],
  }
  return { type: 'application/json', body: JSON.stringify(body) }
}
