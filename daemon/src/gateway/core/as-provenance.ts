import { toBase64, toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { isoTime } from '@keepwell/sdk/base/time'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import type { Did } from '@keepwell/sdk/identity/did'
import { peek, type Signed } from '@keepwell/sdk/identity/signed'
import { batchMessage } from '@keepwell/sdk/records/plain'
import type { Ids } from './ids.ts'

/** One signature over records that were sealed together, and which of them are in this session. */
type Batch = {
  readonly author: Did
  readonly signed: Signed
  /** Whether the signature was checked against its author's keys, or those were not to be had. */
  readonly checked: boolean
  /** By record: what it became, and the ledger's root that it is anchored under. */
  readonly targets: Map<string, Target>
}

/** `amends`: the version of another author that it amends (FHIR R4 Provenance.entity, role revision). */
type Target = { readonly reference: string; readonly anchor: Anchor | undefined; readonly amends: string | undefined }
type Anchor = { readonly root: Uint8Array; readonly size: number }

export type SignedRecord = {
  readonly record: string
  readonly reference: string
  readonly author: Did
  readonly batch: Signed
  readonly checked: boolean
  readonly anchor: Anchor | undefined
  readonly amends: string | undefined
}

/** Targets of one resource at most; a signature over more gives several. */
const MOST_TARGETS = 1000
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type'
/** ASTM E1762: Author's Signature, as R4's list of signature types has it. */
const AUTHORS = { system: 'urn:iso-astm:E1762-95:2013', code: '1.2.840.10065.1.12.1.1', display: 'Author’s Signature' }

type Around = {
  readonly ids: Ids
  readonly patient: string
  readonly nameOf: (did: Did) => string | undefined
  /** The ledger's chain, as CAIP-2 names it. */
  readonly chain: string
}

/** Where records come from, by their signatures: for each signature a Provenance that names who signed what, when, and where it is anchored. */
export function signatures(around: Around) {
  const batches = new Map<string, Batch>()
  const changed = new Set<string>()
  return {
    add({ record, reference, author, batch, checked, anchor, amends }: SignedRecord): void {
      const key = `${author} ${toHex(batch.message)}`
      const known = batches.get(key) ?? { author, signed: batch, checked, targets: new Map() }
      batches.set(key, known)
      known.targets.set(record, { reference, anchor, amends })
      changed.add(key)
    },
    /** Those that are new or hold more than before. */
    take(): FhirResource[] {
      const fresh = [...changed].flatMap(key => provenances(around, key, batches.get(key)!))
      changed.clear()
      return fresh
    },
  }
}

const paged = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / MOST_TARGETS) }, (_, i) => all.slice(i * MOST_TARGETS, (i + 1) * MOST_TARGETS))

function provenances({ ids, patient, nameOf, chain }: Around, key: string, { author, signed, checked, targets }: Batch): FhirResource[] {
  const { at } = peek(signed, batchMessage)
  const name = nameOf(author)
  const who = { identifier: { system: 'urn:ietf:rfc:3986', value: author }, ...(name ? { display: name } : {}) }
  // One that is about the patient's own details is in their compartment; what else was signed with them should not follow it there.
  const [own, rest] = [true, false].map(mine => [...targets.values()].filter(t => t.reference.startsWith('Patient/') === mine))
  return [...paged(own!), ...paged(rest!)].map(page => {
    const amends = [...new Set(page.flatMap(t => t.amends ?? []))]
    const roots = new Map(page.flatMap(({ anchor }) => (anchor ? [[toHex(anchor.root), anchor]] : [])))
    return {
      resourceType: 'Provenance',
      id: ids.derived(patient, 'signature', key, page[0]!.reference),
      meta: { versionId: toHex(sha256(signed.message)).slice(0, 32), lastUpdated: isoTime(at) },
      ...(roots.size
        ? {
            extension: [...roots].map(([root, { size }]) => ({
              url: 'urn:keepwell:anchor',
              extension: [
                { url: 'chain', valueString: chain },
                { url: 'root', valueString: root },
                { url: 'leaves', valueUnsignedInt: size },
              ],
            })),
          }
        : {}),
      target: [...new Set(page.map(t => t.reference))].map(reference => ({ reference })),
      recorded: isoTime(at),
      agent: [{ type: { coding: [{ system: PARTICIPATION, code: 'author' }] }, who }],
      ...(amends.length ? { entity: amends.map(reference => ({ role: 'revision', what: { reference } })) } : {}),
      signature: [
        {
          extension: [{ url: 'urn:keepwell:signature-checked', valueBoolean: checked }],
          type: [AUTHORS],
          when: isoTime(at),
          who,
          sigFormat: 'application/cbor',
          data: toBase64(encode(signed)),
        },
      ],
    }
  })
}
