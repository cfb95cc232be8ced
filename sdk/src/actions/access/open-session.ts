import type { Ctx, Progress } from '#actions/context'
import { type GrantedNodes, grantedSecret } from '#actions/records/secrets'
import { callRelay, findParty, partyAt } from '#actions/vault/calls'
import { copyInfo } from '#audit/receipt'
import { equal, fromHex, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { type Cid, parseCid } from '#base/cid'
import { type ErrorCode, ensure, isKeepwellError, KeepwellError } from '#base/error'
import type { Purpose } from '#consent/terms'
import { sha256 } from '#crypto/hash'
import { hpkeSeal } from '#crypto/seal'
import type { Party } from '#identity/bundle'
import { headMessage } from '#identity/head'
import { peek } from '#identity/signed'
import type { Relay } from '#ports/relay'
import { checkCard, verifyAuthor } from '#records/author'
import type { Card } from '#records/card'
import { type AnchorProof, payloadCid, type ServedItem } from '#records/envelope'
import type { Tail } from '#records/plain'
import { endsOf, type Fetch, groupOpener, type Opened, openRanges, type UnpackInput, unpack } from '#records/unpack'
import type { Answer } from '#wire/methods'
import { ask, fetcher, type Receipted } from './ask.ts'
import { type OpenGrant, receivedGrant } from './grants.ts'
import { fromHolder } from './held-blocks.ts'

type Reading = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** A record as a session sees it: its card now, its content on demand. */
export type SessionRecord = {
  readonly id: Uint8Array
  readonly card: Card
  readonly compartment: Uint8Array
  readonly epoch: number
  readonly cid: Uint8Array
  /** Its write number at the relay: what was filed after an earlier session has a higher one. */
  readonly seq: number
  /** The ledger's root that holds it, if one did when it was listed; one object for all records under it. */
  readonly anchor?: AnchoredUnder
}
export type AnchoredUnder = Pick<AnchorProof, 'root' | 'size'>

export type OpenedRecord = Opened & { readonly author: 'verified' | 'unknown' }

/** A record read by parts: its meta now, any range of its body when it is asked for. The author's hash covers the whole body only. */
export type RangedRecord = Omit<OpenedRecord, 'body'> & {
  /** Bytes from the beginning that the relay has; the rest lies at the author. */
  readonly here: number
  read(offset: number, length: number): AsyncIterable<Uint8Array>
}

/** Told of a record, by its id in hex, that does not open or is not what it claims to be. */
export type Refused = (id: string, why: KeepwellError) => void

export type ReadingSession = {
  readonly grant: OpenGrant
  readonly records: readonly SessionRecord[]
  readonly problems: readonly { readonly id: string; readonly code: string }[]
  readonly vaultVersion: number | null
  /** Throws what is wrong with a record, unless `refused` is told of it: then the others are given. */
  open(ids: readonly Uint8Array[], refused?: Refused): Promise<OpenedRecord[]>
  /** Opens records without fetching more than their ends. */
  ranges(ids: readonly Uint8Array[], refused?: Refused): Promise<RangedRecord[]>
  /** Lists what was filed since, with a receipt of its own; gives the records that are new here, which are then in `records` too. */
  refresh(): Promise<SessionRecord[]>
  /** Forgets everything that was opened: a session leaves nothing behind. */
  close(): void
}

/**
 * Blocks kept nearby between sessions, sealed as they came. Keys are no part of it: each opening asks the relay for them, and leaves its receipt.
 */
export type NearBlocks = {
  /** Blocks that are here, and through `fetch` those that are not, which are then kept with the record they are of; in the order asked. */
  through(fetch: Fetch, recordOf: (cid: Cid) => Uint8Array): Fetch
  /** Told all records that the consent shows now: what is kept of others goes. */
  only(records: readonly Uint8Array[]): Promise<void>
  /** Told records that the relay no longer has. */
  drop(records: readonly Uint8Array[]): Promise<void>
}

export type SessionInput = {
  readonly grant: Uint8Array | string
  readonly purpose: Purpose
  readonly person?: string
  readonly role?: string
  /** Only what lies in these compartments is listed, of all that the consent covers. */
  readonly compartments?: readonly Uint8Array[]
  /** SHA-256 of the policies under which the reader asks, for the receipt; null for none. Asked anew for each access. */
  readonly policy?: () => Uint8Array | null
  /** Lists only what was filed after this write number; `null` lists nothing, for whoever knows the ids of what they open. */
  readonly since?: number | null
  /** Told of each access by its receipt, before anything of it is looked at. */
  readonly receipted?: Receipted
  readonly near?: NearBlocks
  /** Called with each page of cards while more are listed, so that opening need not wait for the end of the list. */
  readonly arrived?: (fresh: readonly SessionRecord[], session: Pick<ReadingSession, 'open' | 'ranges'>) => void
  /** Told, before the first page, how many records there are: all, or this many and the page at least. At most `MAX_COUNT`. */
  readonly counted?: { readonly to: number; readonly told: (records: number) => void }
  /** Awaited now and then while cards and contents are opened: a page of them would hold up whoever else is served. */
  readonly breathe?: () => Promise<void>
}

const PAGE = 2000
/** Who opens records while more are listed should not wait for a whole page to begin. */
const FIRST_PAGE = 250
/** Cards or contents that are opened in one turn. */
const TURN = 32

/**
 * Opens another party's record under its consent (protocol §6): lists and opens all cards into memory, each access receipt
 * first; payloads are opened on demand. Throws NO_GRANT, DENIED, NO_RECEIPT.
 */
export async function openSession(ctx: Reading, input: SessionInput, progress: Progress = () => {}): Promise<ReadingSession> {
  const open = receivedGrant(ctx, input.grant)
  const relay = await patientRelay(ctx, open)
  const base = {
    vault: open.terms.patient,
    terms: open.grant.terms,
    purpose: input.purpose,
    ...(input.person ? { person: input.person } : {}),
    ...(input.role ? { role: input.role } : {}),
  }
  const under = (): { policy?: Uint8Array } => {
    const policy = input.policy?.()
    return policy ? { policy } : {}
  }
  const { receipted, since = 0, counted, breathe = async () => {} } = input
  const told = receipted ? { receipted } : {}
  const listing = {
    ctx,
    open,
    relay,
    base,
    under,
    ...(input.compartments ? { only: input.compartments } : {}),
    ...told,
    breathe,
    firstPage: input.arrived ? FIRST_PAGE : PAGE,
    records: [] as SessionRecord[],
    byId: new Map<string, SessionRecord>(),
    problems: [] as { id: string; code: string }[],
    roots: rootsOf(),
  }
  let live = true
  const living = async <T>(work: () => Promise<T>): Promise<T> => {
    ensure(live, 'NO_GRANT', 'The session is closed.')
    const opened = await work()
    // What arrives after the end is not handed on.
    ensure(live, 'NO_GRANT', 'The session was closed meanwhile.')
    return opened
  }
  const authorOf = authors(ctx, open.package.relays)
  const payloads = { open, base, under, authorOf, breathe, ...told, ...(input.near ? { near: input.near } : {}) }
  const opener = {
    open: (ids: readonly Uint8Array[], refused?: Refused) =>
      living(() => openApart(ctx, relay, { ...payloads, ids, ends: false, refused }, listing.byId, unpack)),
    ranges: (ids: readonly Uint8Array[], refused?: Refused) =>
      living(() => openApart(ctx, relay, { ...payloads, ids, ends: true, refused }, listing.byId, openRanges)),
  }
  const arrived = (fresh: readonly SessionRecord[]): void => {
    input.arrived?.(fresh, opener)
    progress(listing.records.length, null)
  }
  const vaultVersion = since === null ? null : await list({ ...listing, counted }, since, arrived)
  if (since === 0 && !input.compartments) await input.near?.only(listing.records.map(r => r.id))
  return {
    grant: open,
    records: listing.records,
    problems: listing.problems,
    vaultVersion,
    ...opener,
    refresh: () =>
      living(async () => {
        const added = new Map<string, SessionRecord>()
        await list(
          { ...listing, records: [], byId: added },
          listing.records.reduce((last, r) => Math.max(last, r.seq), since ?? 0),
          () => {},
        )
        const fresh = [...added].filter(([id]) => !listing.byId.has(id))
        for (const [id, record] of fresh) {
          listing.records.push(record)
          listing.byId.set(id, record)
        }
        return fresh.map(([, record]) => record)
      }),
    close() {
      live = false
      listing.records.length = 0
      listing.byId.clear()
    },
  }
}

/** Records by hex id. */
type Listed = ReadonlyMap<string, SessionRecord>

type Listing = {
  readonly ctx: Reading
  readonly open: OpenGrant
  readonly relay: Relay
  readonly base: OpenInput['base']
  readonly under: OpenInput['under']
  readonly only?: readonly Uint8Array[]
  readonly receipted?: Receipted
  readonly breathe: () => Promise<void>
  readonly firstPage: number
  readonly counted?: SessionInput['counted']
  readonly records: SessionRecord[]
  readonly byId: Map<string, SessionRecord>
  readonly problems: { id: string; code: string }[]
  readonly roots: RootOf
}

type RootOf = (anchor: AnchoredUnder) => AnchoredUnder
/** Of a proof the root is kept, once for all that are under it: paths of a hundred thousand records are most of what a listing weighs. */
function rootsOf(): RootOf {
  const known = new Map<string, AnchoredUnder>()
  return ({ root, size }) => {
    const name = `${toHex(root)}/${size}`
    const found = known.get(name) ?? { root: root.slice(), size }
    known.set(name, found)
    return found
  }
}

/** All cards after a write number, page by page; gives the version of the vault's head. */
async function list(
  { ctx, open, relay, base, under, only, receipted, breathe, firstPage, counted, ...known }: Listing,
  from: number,
  arrived: (fresh: readonly SessionRecord[]) => void,
): Promise<number | null> {
  let vaultVersion: number | null = null
  let since = from
  const page = (after: number, limit = PAGE, count?: number) =>
    ask(
      ctx,
      relay,
      {
        ...base,
        ...under(),
        action: 'list',
        selection: { limit, ...(count ? { count } : {}), ...(after ? { since: after } : {}), ...(only ? { compartments: [...only] } : {}) },
      },
      receipted,
    )
  for (let next: Promise<Answer<'access'>> | null = page(since, firstPage, counted?.to); next; ) {
    const answer: Answer<'access'> = await next
    if (answer.more !== undefined) counted?.told(answer.more + answer.groups.reduce((sum, g) => sum + g.items.length, 0))
    ensure(answer.next === null || answer.next > since, 'OMISSION', 'The relay’s listing goes in circles.')
    since = answer.next ?? since
    // The relay reads the next page while this one is opened. Should this one fail, nobody waits for the other.
    next = answer.next === null ? null : page(since)
    next?.catch(() => {})
    vaultVersion = answer.head ? peek(answer.head, headMessage).version : vaultVersion
    const before = known.records.length
    for (const group of answer.groups) await readCards(open, group, { ...known, breathe })
    arrived(known.records.slice(before))
  }
  return vaultVersion
}

async function patientRelay(ctx: Reading, { package: pack }: OpenGrant): Promise<Relay> {
  let failure: unknown
  for (const url of pack.relays) {
    try {
      const relay = await ctx.network.relay(url)
      await relay.info()
      return relay
    } catch (e) {
      failure = e
    }
  }
  throw failure ?? new KeepwellError('RELAY_UNREACHABLE', 'The consent names no relay.')
}

type Group = Parameters<typeof groupOpener>[1] & { readonly items: readonly ServedItem[] }

async function openerFor(open: OpenGrant, group: Group) {
  const secret = grantedSecret(open.package.nodes as GrantedNodes, group)
  return secret ? groupOpener(secret, group) : null
}

async function readCards(
  open: OpenGrant,
  group: Group,
  { records, byId, problems, roots, breathe }: Pick<Listing, 'records' | 'byId' | 'problems' | 'roots' | 'breathe'>,
): Promise<void> {
  const opener = await openerFor(open, group)
  const compartment = group.compartment.slice()
  for (const [i, item] of group.items.entries()) {
    if (i % TURN === TURN - 1) await breathe()
    const named = open.package.records.find(r => equal(r.id, item.id))
    const id = toHex(item.id)
    try {
      const card = named ? named.card : await opener?.card(item)
      ensure(card, 'NO_KEY', 'The consent holds no key for this record.')
      // Copies: as long as one byte of an answer is held, all of it is.
      const record: SessionRecord = {
        id: item.id.slice(),
        card,
        compartment,
        epoch: group.epoch,
        cid: item.cid.slice(),
        seq: item.seq,
        ...(item.anchor ? { anchor: roots(item.anchor) } : {}),
      }
      records.push(record)
      byId.set(id, record)
    } catch (e) {
      problems.push({ id, code: isKeepwellError(e) ? e.code : 'DEFECT' })
    }
  }
}

type OpenInput = {
  readonly open: OpenGrant
  readonly base: Omit<Parameters<typeof ask>[2], 'action' | 'selection' | 'policy'>
  readonly under: () => { policy?: Uint8Array }
  readonly ids: readonly Uint8Array[]
  readonly listed: Listed
  readonly authorOf: AuthorOf
  readonly breathe: () => Promise<void>
  /** Of large payloads only the ends are read. */
  readonly ends: boolean
  readonly refused: Refused | undefined
  readonly receipted?: Receipted
  readonly near?: NearBlocks
}

/** What would befall every other record too: it is nobody's own fault. */
const ENDING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['DENIED', 'NO_GRANT', 'GRANT_ENDED', 'NO_RECEIPT', 'BUNDLE_ROLLBACK'] as const),
  ...(['RELAY_UNREACHABLE', 'RATE_LIMITED', 'CLOCK_SKEW', 'STOPPING', 'CANCELLED'] as const),
])
const ofTheRecord = (e: unknown): e is KeepwellError => isKeepwellError(e) && !ENDING.has(e.code)

/** What organisations hold is opened apart, for each its own: it is shown the receipt, and should learn of no other record by it. */
async function openApart<T extends Tail>(
  ctx: Reading,
  relay: Relay,
  input: Omit<OpenInput, 'listed'>,
  listed: Listed,
  read: (input: UnpackInput) => Promise<T>,
): Promise<(T & { readonly author: 'verified' | 'unknown' })[]> {
  const holderOf = (id: Uint8Array): string => {
    const card = listed.get(toHex(id))?.card
    return card?.held ? card.author : ''
  }
  const out: (T & { readonly author: 'verified' | 'unknown' })[] = []
  for (const ids of Map.groupBy(input.ids, holderOf).values())
    out.push(...(await openPayloads(ctx, relay, { ...input, listed, ids }, read)))
  return out
}

async function openPayloads<T extends Tail>(
  ctx: Reading,
  relay: Relay,
  { open, base, under, ids, listed, authorOf, breathe, ends, refused, receipted, near }: OpenInput,
  read: (input: UnpackInput) => Promise<T>,
): Promise<(T & { readonly author: 'verified' | 'unknown' })[]> {
  const answer = await ask(ctx, relay, { ...base, ...under(), action: 'open', selection: { ids: [...ids] } }, receipted)
  await leaveCopy(ctx, relay, base.vault, encode(answer.receipt))
  const asked = new Set(ids.map(toHex))
  const all = answer.groups.flatMap(group => {
    const opener = openerFor(open, group)
    opener.catch(() => {})
    return group.items.map(item => ({ id: toHex(item.id), item, opener, cid: payloadCid(item) }))
  })
  ensure(
    all.every(({ id }) => asked.delete(id)),
    'NO_RECEIPT',
    'The relay returned a record that was not asked for; it was not opened.',
  )
  const blocks = fetcher(relay, answer.capability)
  const fetchFor = (recordOf: (cid: Cid) => Uint8Array): Fetch => near?.through(blocks, recordOf) ?? blocks
  const holder = fromHolder(ctx, relay, answer)
  const together = ends ? ENDS_TOGETHER : Math.max(1, all.length)
  let here = new Map<Cid, Uint8Array>()
  const openOne = async ({ id, item, opener, cid }: (typeof all)[number]): Promise<T & { readonly author: 'verified' | 'unknown' }> => {
    const named = open.package.records.find(r => equal(r.id, item.id))
    // A card was checked when it was listed, against what is anchored of this payload; the key opens for this payload only.
    const known = listed.get(id)
    const card = named?.card ?? (known && equal(known.cid, item.cid) ? known.card : await (await opener)?.card(item))
    const dek = named?.dek ?? (await (await opener)?.dek(item))
    ensure(card && dek, 'NO_KEY', 'The consent holds no key for this record.')
    const fetch = firstFrom(
      here,
      fetchFor(() => item.id),
    )
    const opened = await read({ id: item.id, subject: base.vault, dek, cid, fetch, holder })
    checkCard(opened.meta, card)
    return { ...opened, author: await authorOf(opened) }
  }
  const out: (T & { readonly author: 'verified' | 'unknown' })[] = []
  let away: KeepwellError | null = null
  for (const [i, one] of all.entries()) {
    if (i % together === 0) {
      const some = new Map(all.slice(i, i + together).map(a => [a.cid, a.item.id]))
      here = await fetchedAhead(fetchFor, some, ends)
    }
    if (i % TURN === TURN - 1) await breathe()
    try {
      // All that is asked for at once is held by one: who does not answer is not asked for each.
      if (away) throw away
      out.push(await openOne(one))
    } catch (e) {
      if (!refused || !ofTheRecord(e)) throw e
      refused(one.id, e)
      if (e.code === 'HELD_UNREACHABLE') away = e
    }
  }
  await near?.drop([...asked].map(fromHex))
  return out
}

/** Records whose ends are fetched together: at most some 16 MiB. */
const ENDS_TOGETHER = 32

/**
 * Blocks of many records in one answer instead of one each: small payloads whole and the roots of large ones; with `ends` also those from
 * which the meta of large ones is read. `payloads` are addresses and the records they are of.
 */
async function fetchedAhead(
  fetchFor: (recordOf: (cid: Cid) => Uint8Array) => Fetch,
  payloads: ReadonlyMap<Cid, Uint8Array>,
  ends: boolean,
): Promise<Map<Cid, Uint8Array>> {
  const here = new Map<Cid, Uint8Array>()
  const take = async (wanted: ReadonlyMap<Cid, Uint8Array>): Promise<void> => {
    if (wanted.size < 2) return
    try {
      for await (const { cid, bytes } of fetchFor(cid => wanted.get(cid)!)([...wanted.keys()])) here.set(cid, bytes)
    } catch (e) {
      // What did not come with the others is asked for by itself, and fails alone.
      if (!ofTheRecord(e)) throw e
    }
  }
  await take(payloads)
  if (!ends) return here
  const large = [...payloads].filter(([cid]) => parseCid(cid).codec === 'dag-pb' && here.has(cid))
  await take(new Map(large.flatMap(([cid, id]) => endsOf(here.get(cid)!).map(end => [end, id] as const))))
  return here
}

/** Whatever is not among those that came is fetched when it is asked for. What came is given once, and then let go. */
const firstFrom = (here: Map<Cid, Uint8Array>, fetch: Fetch): Fetch =>
  async function* (wanted) {
    const [cid] = wanted
    const bytes = wanted.length === 1 ? here.get(cid!) : undefined
    if (!bytes) return yield* fetch(wanted)
    here.delete(cid!)
    yield { cid: cid!, bytes }
  }

type AuthorOf = (opened: Tail) => Promise<'verified' | 'unknown'>

/** Authors by DID and bundle version, each looked up and checked once; and so are their batches, which many records share. */
function authors(ctx: Reading, relays: readonly string[]): AuthorOf {
  const known = new Map<string, Promise<Party | null>>()
  const checked = new Map<string, Promise<void>>()
  return async opened => {
    const { batch } = opened.proof
    const name = `${opened.meta.author}/${batch.version}`
    const found = known.get(name) ?? partyAt(ctx, opened.meta.author, batch.version, relays)
    known.set(name, found)
    const author = await found
    if (!author) return 'unknown'
    // Kept by its hash: a batch is a piece of the record that bears it, and would keep all of that.
    const key = `${name}/${batch.type}/${batch.signer}/${toHex(sha256(batch.ed25519, batch.mldsa65, batch.message))}`
    const check = checked.get(key) ?? verifyAuthor(opened, author)
    checked.set(key, check)
    await check
    return 'verified'
  }
}

/** An honest reader leaves a copy of its receipt at another relay of the vault, so that the first cannot hide it (threat T33). */
async function leaveCopy(ctx: Reading, relay: Relay, vault: string, copy: Uint8Array): Promise<void> {
  const patient = await findParty(ctx, vault, [relay.url])
  const others = patient?.relays.filter(url => url !== relay.url) ?? []
  if (!patient || others.length === 0) return
  const sealed = await hpkeSeal({
    recipient: patient.inbox,
    info: copyInfo(vault),
    aad: new Uint8Array(0),
    plaintext: copy,
    random: ctx.random,
  })
  const message = encode({ enc: sealed.enc, sealed: sealed.ciphertext })
  for (const url of others) {
    try {
      return void (await callRelay(ctx, await ctx.network.relay(url), 'put-copy', { vault, copy: message }))
    } catch (e) {
      // Care does not wait for a witness: with every other relay out of reach the first relay's receipt has to do.
      if (!isKeepwellError(e)) throw e
    }
  }
}
