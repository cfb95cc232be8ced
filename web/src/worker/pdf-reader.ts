import type { DocumentReader } from '@keepwell/sdk/actions/records/digest-body'
import { MAX_WORDS } from '@keepwell/sdk/health/document-words'

/** Larger ones are mostly pictures of pages, whose words nobody can read here. */
const MAX_SIZE = 24 << 20

/** The words of PDF documents. What reads them is large, and comes with the first one. */
export const pdfReader: DocumentReader = {
  version: 1,
  reads: (mediaType, size) => mediaType === 'application/pdf' && size <= MAX_SIZE,
  read: async body => (await import('./pdf-words.ts')).pdfWords(body, MAX_WORDS),
}
