import { type Infer, int, object, oneOf, optional, string } from '#base/shape'

/** Why something of a hospital's record is not here. */
export const REASONS = {
  'not-offered': 'this server does not offer them',
  'not-permitted': 'the login does not allow them; whoever logged in, or the hospital, left them out',
  'some-permitted': 'the login allows only a part of them',
  refused: 'the hospital refused to show them',
  'not-understood': 'the server did not take any of the questions for them',
  failed: 'the server failed; the next pull asks again',
  unreadable: 'the server’s answer was no page of FHIR; the next pull asks again',
  throttled: 'the server wants a pause; the next pull goes on from here',
  'no-answer': 'the server stopped answering; the next pull goes on from here',
  'login-ended': 'the login has ended; log in again',
  'next-elsewhere': 'the server sent us to another server for the rest; we did not follow',
  'goes-round': 'the server’s pages lead in a circle; what came until then is here',
  'too-large': 'the answer was larger than this device takes',
  'too-many': 'there were more than one pull takes; the next goes on',
  fewer: 'the server spoke of more than it gave',
  'held-back': 'the server says that it left something out',
  gone: 'the server does not have what its own record points to',
  broken: 'the server gave entries without a readable resource',
  'document-elsewhere': 'documents lie on another server, where this login does not count',
  'document-refused': 'the hospital refused to show documents',
  'document-gone': 'documents are not where the hospital says they are',
  'document-failed': 'documents could not be fetched; the next pull tries again',
  'document-too-large': 'documents are larger than this device takes',
  'not-kept': 'they came, but could not be filed',
  'no-authorship': 'the server did not say with each who wrote it (Provenance)',
} as const

export type Reason = keyof typeof REASONS

export const missing = object({
  /** FHIR resource type. */
  type: string(64),
  reason: oneOf(...(Object.keys(REASONS) as Reason[])),
  /** How many, where that can be known. */
  count: optional(int()),
  /** HTTP status, where that is the reason. */
  status: optional(int()),
  /** Issue codes of the server's OperationOutcome. */
  codes: optional(string(200)),
})
export type Missing = Infer<typeof missing>

/** In plain words, to be read after the name of the type. */
export function missingWords({ reason, count, status, codes }: Missing): string {
  const how = [...(status === undefined ? [] : [String(status)]), ...(codes ? [codes] : [])].join(', ')
  return `${count === undefined ? '' : `${count}: `}${REASONS[reason]}${how ? ` (${how})` : ''}`
}
