import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { fenced } from '#base/fenced'

/** What became of a section: each of its entries is in `mapped` or in `left`. */
export type SectionReport = {
  readonly code: string
  readonly title: string
  readonly entries: number
  readonly mapped: number
  /** Entries of which no resource was made, by why. */
  readonly left: Readonly<Record<string, number>>
}

export type CcdaReport = {
  /** LOINC code of the document. */
  readonly type: string
  readonly sections: readonly SectionReport[]
  /** Elements that were struck out of resources because they broke FHIR's rules, by path. */
  readonly struck: Readonly<Record<string, number>>
}

export type CcdaAnswer = { readonly resources: readonly JsonObject[]; readonly report: CcdaReport }

export type CcdaAsk =
  | { readonly read: Uint8Array }
  /** Resources of one patient, and when (an instant) and for whom the document is made. */
  | { readonly write: readonly JsonObject[]; readonly at: string; readonly author: string }

export type Ccda = {
  /**
   * A C-CDA document as FHIR R4: sound resources with ids that stay, and an account of every entry. Throws UNREADABLE for what is no
   * document, has a DOCTYPE, crashes or takes too long; TOO_LARGE.
   */
  read(bytes: Uint8Array): Promise<CcdaAnswer>
  /** Resources as a Continuity of Care Document (C-CDA R2.1). */
  write(resources: readonly JsonObject[], made: { readonly at: string; readonly author: string }): Promise<Uint8Array>
  close(): Promise<void>
}

const SECONDS = 60
const MEGABYTES = 768

/** C-CDA by `@medplum/ccda`, on a fenced thread: a document that crashes it, or never ends, costs only itself. */
export function openCcda(limits: { readonly milliseconds?: number; readonly megabytes?: number } = {}): Ccda {
  const fence = fenced<CcdaAsk, CcdaAnswer | Uint8Array>({
    module: new URL('./thread.ts', import.meta.url),
    milliseconds: limits.milliseconds ?? SECONDS * 1000,
    megabytes: limits.megabytes ?? MEGABYTES,
  })
  return {
    read: bytes => fence.run({ read: bytes }) as Promise<CcdaAnswer>,
    write: (resources, made) => fence.run({ write: resources, ...made }) as Promise<Uint8Array>,
    close: fence.close,
  }
}
