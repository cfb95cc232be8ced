import type { ServerResponse } from 'node:http'
import { csv } from '@keepwell/adapters/paper/csv'
import { writtenBy } from '@keepwell/sdk/actions/access/check-log'
import { relayParty } from '@keepwell/sdk/actions/access/check-receipt'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { ownBundle, signerOf } from '@keepwell/sdk/actions/vault/calls'
import { type Extract, extractHead, extractPart, MOST_LINES, wordOf } from '@keepwell/sdk/audit/extract'
import { readLogHead } from '@keepwell/sdk/audit/head'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { type ErrorCode, ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import { type Bundle, bundleMessage } from '@keepwell/sdk/identity/bundle'
import { peek, sign } from '@keepwell/sdk/identity/signed'
import type { Gateway } from '#gateway/core/types'
import { departure, respond } from '#http/respond'
import type { Entry } from './kept.ts'
import { outcomesOf } from './marks.ts'
import type { Backed, Prover } from './proof.ts'
import { asEvent } from './rows.ts'

/** `named`: whether patients are told of by name as well. */
export type Exporting = {
  readonly ctx: Ctx
  readonly gateway: Gateway
  readonly proofs: Prover
  readonly asked: string
  readonly named: boolean
}

/** Forms in which what was found is taken out. */
export const FORMS = ['csv', 'fhir', 'signed'] as const
export type Form = (typeof FORMS)[number]
export const isForm = (text: string | null): text is Form => FORMS.some(f => f === text)

type Sent = { readonly type: string; readonly name: string; readonly chunks: AsyncIterable<Uint8Array> }

/** Sends a file as it is made, in pieces. */
export async function sendFile(response: ServerResponse, { type, name, chunks }: Sent): Promise<void> {
  const headers = { 'content-disposition': `attachment; filename="${name}"`, 'cache-control': 'no-store' }
  await respond(response, { type, headers, body: chunks }, false, departure(response))
}

/** What was found as a file, made as it is read. Of a signed one the first part is made before anything is sent. */
export async function fileOf(x: Exporting, form: Form, entries: AsyncIterable<Entry>): Promise<Sent> {
  const day = isoTime(x.gateway.clock()).slice(0, 10)
  if (form === 'csv') return { type: 'text/csv; charset=utf-8', name: `trail-${day}.csv`, chunks: rows(x, entries) }
  if (form === 'fhir') return { type: 'application/fhir+ndjson', name: `trail-${day}.ndjson`, chunks: events(x, entries) }
  const parts = signedParts(x, entries)
  const first = await parts.next()
  return { type: 'application/octet-stream', name: `trail-${day}.keepwell`, chunks: fileWith(first.value!, parts) }
}

const COLUMNS = [
  ...['number', 'time', 'person', 'role', 'purpose', 'through', 'action', 'patient', 'patient name', 'outcome', 'why refused'],
  ...['policies', 'forbidden by', 'records', 'in words', 'relay', 'receipt', 'place in log', 'SHA-256'],
]

async function* rows({ gateway, named }: Exporting, entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  yield utf8(csv([COLUMNS]))
  for await (const e of entries) {
    const { backing: b, policy } = e
    const receipt = b?.by === 'receipt' ? b : null
    const row = [
      ...[String(e.n), isoTime(e.at), e.person, e.role, e.purpose, e.client ?? '', e.action, e.patient ?? ''],
      ...[(named && e.patient && gateway.patient(e.patient)?.name) || '', outcomesOf(e).at(-1)!, e.refused ?? ''],
      ...[policy?.cid ?? '', policy?.forbids.join(' ') ?? '', e.records.map(r => r.reference ?? r.id).join(' '), e.query ?? ''],
      ...[b?.relay ?? '', b ? String(b.seq) : '', receipt ? String(receipt.index + 1) : '', receipt?.hash ?? ''],
    ]
    // Only the beginning of a file bears the byte order mark.
    yield utf8(csv([row]).slice(1))
  }
}

async function* events({ gateway }: Exporting, entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  for await (const e of entries) yield utf8(`${JSON.stringify(asEvent(gateway, e))}\n`)
}

/** Proofs are fetched so many at a time. */
const TOGETHER = 16

async function* fileWith(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield extractHead()
  yield first
  yield* rest
}

/** In pages of so many; the last one, which may be empty, says that it is. */
async function* pagesOf<T>(all: AsyncIterable<T>, size: number): AsyncGenerator<{ readonly items: readonly T[]; readonly last: boolean }> {
  let items: T[] = []
  for await (const item of all) {
    if (items.length === size) {
      yield { items, last: false }
      items = []
    }
    items.push(item)
  }
  yield { items, last: true }
}

/** Each part signed over the one before, so that none can be left out of them; however many there are, one is in memory. */
async function* signedParts(x: Exporting, entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  const { ctx, gateway, proofs, asked } = x
  const { ring } = ctx.session.state
  const about = { v: 1, holder: ring.did, name: ring.name, madeAt: gateway.clock(), asked } as const
  const asNow = relaysAsNow(x)
  let [number, before]: [number, Uint8Array | null] = [1, null]
  for await (const { items, last } of pagesOf(entries, MOST_LINES)) {
    const found: { readonly entry: Entry; readonly backed: Backed | null }[] = []
    for (const entry of items) found.push({ entry, backed: await proofs.backed(entry) })
    const relays = await relaysOf(asNow, found)
    const shown = new Set(relays.keys())
    const extract: Extract = {
      ...about,
      part: { number, before, last },
      bundles: await ownBundles(x, found),
      relays: [...relays.values()],
      lines: found.map(({ entry, backed }) => ({ line: lineOf(entry), ...backingOf(backed, shown) })),
    }
    const word = wordOf(extract)
    yield extractPart({ extract, signature: await sign(signerOf(ring), 'extract', word) })
    number++
    before = word.hash
  }
}

function lineOf({ n, at, person, role, purpose, patient, action, ...e }: Entry): Extract['lines'][number]['line'] {
  return {
    ...{ n, at, person, role, purpose, patient, action },
    records: e.records.map(r => ({ ...r })),
    ...(e.client === undefined ? {} : { client: e.client }),
    ...(e.refused === undefined ? {} : { refused: e.refused }),
    ...(e.query === undefined ? {} : { query: e.query }),
    ...(e.policy ? { policy: { cid: e.policy.cid, forbids: [...e.policy.forbids] } } : {}),
  }
}

const signerIn = (b: Backed): string => ('receipt' in b ? b.receipt.signed.signer : b.acceptance.signer)

/** What a relay signed whose keys are not to be had now would prove nothing to a stranger: such an entry goes by the organisation's word. */
function backingOf(backed: Backed | null, shown: ReadonlySet<string>): Pick<Extract['lines'][number], 'backing'> {
  if (!backed || !shown.has(signerIn(backed))) return {}
  if ('acceptance' in backed) return { backing: { by: 'acceptance', acceptance: backed.acceptance } }
  const { receipt, inclusion } = backed
  return { backing: { by: 'receipt', receipt, ...inclusion } }
}

type Found = readonly { readonly entry: Entry; readonly backed: Backed | null }[]

const NOT_THERE: readonly ErrorCode[] = ['UNKNOWN_PARTY', 'RELAY_UNREACHABLE', 'RELAY_NOT_FOLLOWED']

type AsNow = ReturnType<typeof relaysAsNow>

/** Each relay as it was when it was first asked for, so that all parts are of one log; null for those that do not answer. */
function relaysAsNow({ ctx, proofs }: Exporting) {
  const known = new Map<string, Promise<Awaited<ReturnType<typeof relayNow>> | null>>()
  return (did: string) => {
    const found =
      known.get(did) ??
      proofs
        .relay(did)
        .then(url => relayNow(ctx, url))
        .catch(e => {
          if (!isKeepwellError(e) || !NOT_THERE.includes(e.code)) throw e
          return null
        })
    known.set(did, found)
    return found
  }
}

/** The relays of these entries, with how the heads of its receipts lead to the newest; those that do not answer are left out. */
async function relaysOf(asNow: AsNow, found: Found): Promise<ReadonlyMap<string, Extract['relays'][number]>> {
  const heads = new Map<string, Set<number>>()
  for (const { backed } of found) {
    if (!backed) continue
    const sizes = heads.get(signerIn(backed)) ?? new Set<number>()
    heads.set(signerIn(backed), sizes)
    if ('receipt' in backed) sizes.add(readLogHead(backed.inclusion.head.signed).size)
  }
  const relays = new Map<string, Extract['relays'][number]>()
  for (const [did, sizes] of heads) {
    const relay = await asNow(did)
    if (relay) relays.set(did, { ...relay.is, grown: await grownTo(relay.leading, [...sizes]) })
  }
  return relays
}

async function grownTo(
  leading: (from: number) => Promise<Uint8Array[]>,
  sizes: readonly number[],
): Promise<Extract['relays'][number]['grown']> {
  const grown: Extract['relays'][number]['grown'] = []
  for (let i = 0; i < sizes.length; i += TOGETHER)
    grown.push(...(await Promise.all(sizes.slice(i, i + TOGETHER).map(async size => ({ size, path: await leading(size) })))))
  return grown
}

async function relayNow(ctx: Ctx, url: string) {
  const relay = await ctx.network.relay(url)
  const party = await relayParty(ctx, relay)
  const contract = party.manifestHere['AuditTrail@1']
  ensure(contract, 'NOT_SUPPORTED', 'The relay’s ledger has no AuditTrail.')
  // The ledger first: a busy relay may grow and anchor between two questions.
  const ledger = await ctx.network.ledger(url)
  const latest = await ledger.trail.latest(party.request)
  const written = latest?.size ? await writtenBy(ledger, party.request, latest) : null
  const [head, { bundle }] = [await relay.head(), await relay.info()]
  const to = readLogHead(head.signed).size
  const leading = async (from: number): Promise<Uint8Array[]> => (from === to ? [] : relay.consistency(from, to))
  const { size, time, root } = latest ?? { size: 0, time: 0, root: new Uint8Array(0) }
  const anchored = size ? { size, time, root, proof: await leading(size), ...(written ? { written } : {}) } : null
  return { is: { bundle, chainId: party.chainHere, contract, head, anchored }, leading }
}

/** Keys of the organisation of now, and of when its requests were signed, as far as they are to be had. */
async function ownBundles({ ctx, proofs }: Exporting, found: Found): Promise<Bundle[]> {
  const own = ownBundle(ctx.session.state.ring)
  const { did, version } = peek(own.signed, bundleMessage)
  const versions = new Map<number, string>()
  for (const { backed } of found)
    if (backed && 'receipt' in backed && backed.receipt.call.version !== version)
      versions.set(backed.receipt.call.version, signerIn(backed))
  const older = await Promise.all(
    [...versions].map(async ([v, relay]) => {
      const url = await proofs.relay(relay as typeof did).catch(() => null)
      return url === null ? null : (await ctx.network.relay(url)).bundle(did, v).catch(() => null)
    }),
  )
  return [own, ...older.flatMap(b => b ?? [])]
}
