import { utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { search } from '@keepwell/sdk/health/fhir/search/search'
import { describe, expect, test } from 'vitest'
import { makeIds } from './ids.ts'
import { remember, type SessionParts } from './memory.ts'

type Sinking = Parameters<ReturnType<typeof remember>['sink']['whole']>[0][number]
type Json = Record<string, unknown>

const [OWN, ADA, ADAS, LAB, CLINIC] = ['did:own', 'did:ada', 'did:ada2', 'did:lab', 'did:clinic']
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const hex = (n: number): string => n.toString(16).padStart(2, '0').repeat(16)

/** A session of a gateway in Ada's record, as far as it is what came. */
function session() {
  const ids = makeIds(new Uint8Array(32).fill(7), OWN, length => new Uint8Array(length).fill(9))
  const patient = { id: ids.patient(ADA), name: 'Ada', vaults: [ADA, ADAS].map(did => ({ did, name: 'Ada' })) }
  const ctx = { session: { state: { ring: { did: OWN, name: 'Own', contacts: [] } } } }
  const memory = remember({ ctx, ids, url: 'https://gateway.test', patient, grants: [] } as unknown as SessionParts)
  const came: number[] = []
  type Coming = { n: number; by: string; resource: Json; prior?: number; author?: Sinking['author']; vault?: string }
  return {
    come({ n, by, resource, prior, author = 'verified', vault = ADA }: Coming): void {
      const versions = prior === undefined ? {} : { prior: id(prior) }
      const card = { author: by, kind: 'fhir', resourceType: resource.resourceType, ...versions }
      memory.list([{ id: id(n), card, seq: n }] as unknown as Parameters<typeof memory.list>[0], vault)
      const meta = { id: id(n), author: by, authoredAt: n, ...versions }
      const proof = { batch: { message: encode({ v: 1, root: new Uint8Array(32), size: 1, at: n }), signer: by } }
      memory.sink.whole([{ meta, proof, body: utf8(JSON.stringify(resource)), author } as unknown as Sinking])
      memory.sign()
      came.push(n)
    },
    /** What each resource says now, and by how many versions. */
    values: (): (readonly [unknown, number])[] =>
      [...Map.groupBy(came, n => memory.idOf(hex(n))!)].map(
        ([name, versions]) => [memory.store.read('Observation', name)?.resource?.valueInteger, versions.length] as const,
      ),
    idOf: (n: number) => memory.idOf(hex(n)),
    authorOf: (n: number) => memory.authors.get(hex(n)),
    problems: memory.problems,
    store: memory.store,
    patient: patient.id,
  }
}

const observation = (valueInteger: number, name = 'o'): Json => ({ resourceType: 'Observation', id: name, status: 'final', valueInteger })

describe('what another wrote to amend a record', () => {
  test('does not take its place, and points to it; what its author or the patient wrote does', () => {
    const s = session()
    s.come({ n: 1, by: LAB, resource: observation(1) })
    s.come({ n: 2, by: CLINIC, resource: observation(2), prior: 1 })
    expect(s.values()).toEqual([
      [1, 1],
      [2, 1],
    ])
    const signed = search(s.store, { type: 'Provenance', params: [], now: 9 })
    expect(signed.matches.map(m => m.resource?.entity)).toContainEqual([
      { role: 'revision', what: { reference: `Observation/${s.idOf(1)}/_history/${hex(1)}` } },
    ])
    s.come({ n: 3, by: LAB, resource: observation(3), prior: 1 })
    s.come({ n: 4, by: ADA, resource: observation(4), prior: 2 })
    expect(s.values()).toEqual([
      [3, 2],
      [4, 2],
    ])
    expect(s.problems).toEqual([])
  })

  test('nor does what the owner of another vault wrote, though the organisation found them to be one person', () => {
    const s = session()
    s.come({ n: 1, by: LAB, resource: observation(1) })
    s.come({ n: 2, by: ADAS, resource: observation(2), prior: 1, vault: ADAS })
    s.come({ n: 3, by: ADAS, resource: observation(3, 'other'), prior: 1 })
    expect(s.values().map(([value]) => value)).toEqual([1, 2, 3])
    s.come({ n: 4, by: LAB, resource: observation(4), vault: ADAS })
    s.come({ n: 5, by: ADAS, resource: observation(5), prior: 4, vault: ADAS })
    expect(s.values().map(([value]) => value)).toContain(5)
  })

  test('is this organisation’s own word in its own house, and nobody replaces that there but itself', () => {
    const s = session()
    s.come({ n: 1, by: LAB, resource: observation(1) })
    s.come({ n: 2, by: OWN, resource: observation(2), prior: 1 })
    expect(s.values()).toEqual([[2, 2]])
    s.come({ n: 3, by: ADA, resource: observation(3), prior: 2 })
    s.come({ n: 4, by: LAB, resource: observation(4, 'other'), prior: 2 })
    expect(s.values()).toEqual([
      [2, 2],
      [3, 1],
      [4, 1],
    ])
  })
})

describe('a name whose keys could not be had', () => {
  test('replaces nothing: not by the older version it names, and not by an id that is somebody else’s to give', () => {
    const s = session()
    s.come({ n: 1, by: LAB, resource: observation(1) })
    s.come({ n: 2, by: OWN, resource: observation(2, 'ours') })
    for (const by of [LAB, ADA, OWN])
      s.come({ n: 3 + [LAB, ADA, OWN].indexOf(by), by, resource: observation(9), prior: 1, author: 'unknown' })
    s.come({ n: 6, by: LAB, resource: observation(9), author: 'unknown' })
    s.come({ n: 7, by: OWN, resource: observation(9, 'ours'), author: 'unknown' })
    expect(s.values().slice(0, 2)).toEqual([
      [1, 1],
      [2, 1],
    ])
    expect(s.idOf(7)).not.toBe('ours')
    expect(s.authorOf(7)).not.toBe(OWN)
  })

  test('does not tell who the patient is; nor does anybody once the patient has, but the organisation itself', () => {
    const s = session()
    const told = () => s.store.read('Patient', s.patient)?.resource?.gender
    const person = (gender: string): Json => ({ resourceType: 'Patient', id: 'p', gender })
    s.come({ n: 1, by: LAB, resource: person('female') })
    s.come({ n: 2, by: ADA, resource: person('male'), author: 'unknown' })
    expect(told()).toBe('female')
    s.come({ n: 3, by: ADA, resource: person('other') })
    s.come({ n: 4, by: CLINIC, resource: person('male') })
    expect(told()).toBe('other')
    s.come({ n: 5, by: OWN, resource: person('unknown') })
    s.come({ n: 6, by: ADA, resource: person('other') })
    expect(told()).toBe('unknown')
  })
})
