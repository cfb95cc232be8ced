import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@keepwell/daemon/http/free-port'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { grantedSecret } from '@keepwell/sdk/actions/records/secrets'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { expect } from 'vitest'
import type { Order, Reply } from '#e2e/faults/relay-child'
import { type Network, startNetwork } from '#e2e/network'
import { openParties, type Parties, type Party } from '#e2e/parties'
import { type RelayProcess, startRelayProcess } from '#e2e/relay-process'
import { draft, introduce, observation, read, share } from '#e2e/story'

const CHILD = fileURLToPath(new URL('./relay-child.ts', import.meta.url))

/** All of the matrix with KEEPWELL_DEEP=1; every so many-th case of it otherwise, so that all tests stay within three minutes. */
export const DEEP = process.env.KEEPWELL_DEEP === '1'
export const some = <T>(all: readonly T[], every: number, from = 0): T[] =>
  DEEP ? [...all] : all.filter((_, i) => i % every === from % every)

type Known = { readonly id: Uint8Array; readonly body: Uint8Array }

/** A relay in a process that can be killed, and a home beside it that nothing befalls. */
export type Place = {
  /** The folder of the killed relay. */
  readonly dir: string
  process(): RelayProcess
  order(order: Order): Promise<Reply>
  /** Starts the relay again after its process is gone. */
  restart(): Promise<void>
  /** A patient at the one and a clinic at the other, who know each other. */
  people(): Promise<World>
  close(): Promise<void>
}

/** A patient whose relay is killed, a clinic, and what must hold of them. */
export type World = Omit<Place, 'people' | 'close'> & { readonly patient: Party; readonly clinic: Party; readonly model: Model }

/** What was acknowledged, what was begun and not acknowledged, what was taken back, and which payloads a clinic was handed. */
export type Model = {
  readonly acknowledged: Map<string, Known>
  readonly unsure: Map<string, Known>
  readonly erased: Map<string, Entry>
  readonly revoked: Uint8Array[]
  readonly handed: string[]
}

export async function startPlace(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'keepwell-faults-'))
  const port = String(await freePort())
  const settings = {
    ...{ KEEPWELL_HOME: join(root, 'home'), KEEPWELL_PORT: port, KEEPWELL_LOG: 'errors' },
    ...{ KEEPWELL_RATE_PER_ADDRESS: '100000', KEEPWELL_RATE_PER_CALLER: '100000' },
  }
  const start = () => startRelayProcess({ settings, file: CHILD })
  const opened = new AsyncDisposableStack()
  opened.defer(() => rm(root, { recursive: true, force: true, maxRetries: 3 }))
  let child = await start()
  opened.defer(() => child.kill())
  const other: Network = await startNetwork({ homes: [{ name: 'clinic' }] })
  opened.defer(() => other.close())
  const parties: Parties = openParties(root)
  opened.defer(() => parties.close())
  const place: Omit<Place, 'people' | 'close'> = {
    dir: join(root, 'home', 'relay'),
    process: () => child,
    order: order =>
      new Promise((resolve, reject) => {
        child.child.once('message', reply => resolve(reply as Reply))
        void child.gone.then(() => reject(new Error('the relay is gone')))
        child.child.send(order)
      }),
    async restart() {
      await child.gone
      child = await start()
    },
  }
  return {
    ...place,
    async people() {
      const patient = await parties.make('Ada Example', `http://127.0.0.1:${port}`)
      const clinic = await parties.make('Clinic West', other.home('clinic').url)
      await introduce(patient, clinic)
      return {
        ...place,
        patient,
        clinic,
        model: { acknowledged: new Map(), unsure: new Map(), erased: new Map(), revoked: [], handed: [] },
      }
    },
    close: () => opened.disposeAsync(),
  }
}

// ---- verbs, which keep the model

/** Files a record; known as acknowledged only when the verb returned. */
export async function file(w: World, title: string, size = 0): Promise<Entry> {
  const body = size ? w.patient.random(size) : observation(title)
  const one = draft(w.patient, 'laboratory', title, body)
  const name = toHex(one.id)
  w.model.unsure.set(name, { id: one.id, body })
  const [entry] = await fileRecords(w.patient, [one])
  w.model.unsure.delete(name)
  w.model.acknowledged.set(name, { id: one.id, body })
  return entry!
}

export const give = (w: World): Promise<Uint8Array> => share(w.patient, w.clinic, ['laboratory'])

export async function readAll(w: World, commitment: Uint8Array): Promise<number> {
  const session = await read(w.clinic, commitment)
  const opened = await session.open(session.records.slice(-2).map(r => r.id))
  w.model.handed.push(...opened.map(o => toHex(o.meta.id)))
  return opened.length
}

export async function takeBack(w: World, commitment: Uint8Array): Promise<void> {
  await revoke(w.patient, commitment)
  w.model.revoked.push(commitment)
}

export async function erase(w: World, entry: Entry): Promise<void> {
  const name = toHex(entry.id)
  const known = w.model.acknowledged.get(name)
  w.model.acknowledged.delete(name)
  if (known) w.model.unsure.set(name, known)
  await eraseRecords(w.patient, [entry.id])
  w.model.unsure.delete(name)
  w.model.erased.set(name, entry)
}

// ---- invariants

const idsOf = (m: ReadonlyMap<string, Known>) => [...m.values()].map(k => k.id)

/** Every invariant of the fault matrix, asked of the running relay. */
export async function checkInvariants(w: World): Promise<void> {
  await checkRecords(w)
  await checkTrail(w)
}

/** Of the records: what was acknowledged, erased, revoked or begun is as it has to be. */
export async function checkRecords(w: World): Promise<void> {
  const { patient, model } = w
  await refreshRing(patient)
  const received = await receiveRecords(patient)
  expect(received.problems, 'every record that is listed opens').toEqual([])
  await everyAcknowledgedReadable(w)
  await unsureWholeOrAbsent(w)
  if (model.erased.size) {
    const ids = [...model.erased.values()].map(e => e.id)
    expect(await openRecords(patient, ids), 'no erased record opens').toEqual([])
  }
  await revokedGainNothing(w)
  const anchors = await confirmAnchors(patient, await listEntries(patient))
  expect(anchors.wrong, 'every anchor verifies against the ledger').toEqual([])
}

async function everyAcknowledgedReadable({ patient, model }: World): Promise<void> {
  if (!model.acknowledged.size) return
  const opened = await openRecords(patient, idsOf(model.acknowledged))
  const bodies = new Map(opened.map(o => [toHex(o.meta.id), o.body]))
  const lost = [...model.acknowledged].filter(([name, { body }]) => !bodies.has(name) || !equal(bodies.get(name)!, body))
  expect(
    lost.map(([name]) => name),
    'every acknowledged record is readable, byte for byte',
  ).toEqual([])
}

async function unsureWholeOrAbsent({ patient, model }: World): Promise<void> {
  if (!model.unsure.size) return
  const listed = new Set((await listEntries(patient)).map(e => toHex(e.id)))
  for (const opened of await openRecords(patient, idsOf(model.unsure))) {
    const name = toHex(opened.meta.id)
    expect(equal(opened.body, model.unsure.get(name)!.body), 'what was not acknowledged is whole or absent').toBe(true)
    // The catalog keeps an erased record until it hears of the erasure; the other way round would be a loss.
    expect(listed.has(name), 'what is there is listed').toBe(true)
  }
}

/** Of the trail: complete, and nothing was handed out without a receipt. Takes time with its length. */
export async function checkTrail({ patient, model }: World): Promise<void> {
  const trail = await verifyTrail(patient)
  expect(trail.problems, 'the trail has no gap, every receipt is signed, chained and in the log, the log only grew').toEqual([])
  const viewed = trail.looked
    .filter(l => l.name === 'Clinic West' && l.receipt.action === 'view' && l.receipt.verdict === 'allowed')
    .flatMap(l => l.receipt.ids.map(toHex))
  const count = (list: readonly string[], id: string) => list.filter(x => x === id).length
  const unseen = [...new Set(model.handed)].filter(id => count(viewed, id) < count(model.handed, id))
  expect(unseen, 'nothing was handed out without a receipt').toEqual([])
}

async function revokedGainNothing({ clinic, model }: World): Promise<void> {
  const last = model.revoked.at(-1)
  if (!last) return
  await receiveMessages(clinic)
  const code = await codeOf(() => read(clinic, last))
  expect(['DENIED', 'NO_GRANT'], 'a revoked reader is refused').toContain(code)
}

/** Nobody whose consent was taken back can open what is filed now. */
export async function checkNewKeys(w: World, before: readonly ReturnType<typeof receivedGrants>[number][]): Promise<void> {
  const entry = await file(w, 'after the revocation')
  for (const held of before) expect(grantedSecret(held.package.nodes, entry), 'a revoked reader gains no key').toBeNull()
}

export const heldBy = (w: World, commitment: Uint8Array) => receivedGrants(w.clinic).filter(g => equal(g.grant.commitment, commitment))
