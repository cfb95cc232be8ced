import type { Ctx, Progress } from '#actions/context'
import { type GrantedNodes, grantedSecret } from '#actions/records/secrets'
import { callRelay, findParty, partyAt } from '#actions/vault/calls'
import { copyInfo } from '#audit/receipt'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { type Cid, parseCid } from '#base/cid'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import type { Purpose } from '#consent/terms'
import { hpkeSeal } from '#crypto/seal'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import { headMessage } from '#identity/head'
import { peek } from '#identity/signed'
import type { Relay } from '#ports/relay'
import { checkCard, verifyAuthor } from '#records/author'
import type { Card } from '#records/card'
import { payloadCid, type ServedItem } from '#records/envelope'
import { type Fetch, groupOpener, type Opened, unpack } from '#records/unpack'
import type { Answer } from '#wire/methods'
import { ask, fetcher } from './ask.ts'
import { type OpenGrant, receivedGrant } from './grants.ts'

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
}

export type OpenedRecord = Opened & { readonly author: 'verified' | 'unknown' }

export type ReadingSession = {
  readonly grant: OpenGrant
  readonly records: readonly SessionRecord[]
  readonly problems: readonly { readonly id: string; readonly code: string }[]
  readonly vaultVersion: number | null
  open(ids: readonly Uint8Array[]): Promise<OpenedRecord[]>
  /** Forgets everything that was opened: a session leaves nothing behind. */
  close(): void
}

export type SessionInput = {
  readonly grant: Uint8Array | string
  readonly purpose: Purpose
  readonly person?: string
  readonly role?: string
}

const PAGE = 2000

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
  const records: SessionRecord[] = []
  const problems: { id: string; code: string }[] = []
  let vaultVersion: number | null = null
  let since = 0
  const list = (after?: number) =>
    ask(ctx, relay, { ...base, action: 'list', selection: { limit: PAGE, ...(after === undefined ? {} : { since: after }) } })
  for (let page: Promise<Answer<'access'>> | null = list(); page; ) {
    const { head, groups, next }: Answer<'access'> = await page
    ensure(next === null || next > since, 'OMISSION', 'The relay’s listing goes in circles.')
    since = next ?? since
    // The relay reads the next page while this one is opened. Should this one fail, nobody waits for the other.
    page = next === null ? null : list(next)
    page?.catch(() => {})
    vaultVersion = head ? peek(head, headMessage).version : vaultVersion
    for (const group of groups) await readCards(open, group, records, problems)
    progress(records.length, null)
  }
  let live: SessionRecord[] | null = records
  return {
    grant: open,
    records,
    problems,
    vaultVersion,
    async open(ids) {
      ensure(live, 'NO_GRANT', 'The session is closed.')
      const opened = await openPayloads(ctx, relay, { open, base, ids })
      // What arrives after the end is not handed on.
      ensure(live, 'NO_GRANT', 'The session was closed meanwhile.')
      return opened
    },
    close() {
      live = null
      records.length = 0
    },
  }
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

async function readCards(open: OpenGrant, group: Group, out: SessionRecord[], problems: { id: string; code: string }[]): Promise<void> {
  const opener = await openerFor(open, group)
  for (const item of group.items) {
    const named = open.package.records.find(r => equal(r.id, item.id))
    try {
      const card = named ? named.card : await opener?.card(item)
      ensure(card, 'NO_KEY', 'The consent holds no key for this record.')
      out.push({ id: item.id, card, compartment: group.compartment, epoch: group.epoch, cid: item.cid, seq: item.seq })
    } catch (e) {
      problems.push({ id: toHex(item.id), code: isKeepwellError(e) ? e.code : 'DEFECT' })
    }
  }
}

type OpenInput = {
  readonly open: OpenGrant
  readonly base: Omit<Parameters<typeof ask>[2], 'action' | 'selection'>
  readonly ids: readonly Uint8Array[]
}

async function openPayloads(ctx: Reading, relay: Relay, { open, base, ids }: OpenInput): Promise<OpenedRecord[]> {
  const answer = await ask(ctx, relay, { ...base, action: 'open', selection: { ids: [...ids] } })
  await leaveCopy(ctx, relay, base.vault, encode(answer.receipt))
  const asked = new Set(ids.map(toHex))
  const fetch = await fetchedAtOnce(
    fetcher(relay, answer.capability),
    answer.groups.flatMap(g => g.items.filter(i => asked.has(toHex(i.id))).map(payloadCid)),
  )
  const authorOf = authors(ctx, open.package.relays)
  const out: OpenedRecord[] = []
  for (const group of answer.groups) {
    const opener = await openerFor(open, group)
    for (const item of group.items) {
      ensure(asked.has(toHex(item.id)), 'NO_RECEIPT', 'The relay returned a record that was not asked for; it was not opened.')
      const named = open.package.records.find(r => equal(r.id, item.id))
      const card = named?.card ?? (await opener?.card(item))
      const dek = named?.dek ?? (await opener?.dek(item))
      ensure(card && dek, 'NO_KEY', 'The consent holds no key for this record.')
      const opened = await unpack({ id: item.id, subject: base.vault, dek, cid: payloadCid(item), fetch })
      checkCard(opened.meta, card)
      const author = await authorOf(opened.meta.author, opened.proof.batch.version)
      if (author) await verifyAuthor(opened, author)
      out.push({ ...opened, author: author ? 'verified' : 'unknown' })
    }
  }
  return out
}

/** Small payloads come in one answer instead of one each; whatever is not among them is fetched when it is asked for. */
async function fetchedAtOnce(fetch: Fetch, cids: readonly Cid[]): Promise<Fetch> {
  const here = new Map<Cid, Uint8Array>()
  const small = cids.filter(cid => parseCid(cid).codec === 'raw')
  if (small.length > 1) for await (const { cid, bytes } of fetch(small)) here.set(cid, bytes)
  return async function* (wanted) {
    const [cid] = wanted
    const bytes = wanted.length === 1 ? here.get(cid!) : undefined
    if (bytes) yield { cid: cid!, bytes }
    else yield* fetch(wanted)
  }
}

/** Authors by DID and bundle version, each looked up and checked once. */
function authors(ctx: Reading, relays: readonly string[]) {
  const known = new Map<string, Promise<Party | null>>()
  return (did: Did, version: number): Promise<Party | null> => {
    const name = `${did}/${version}`
    const found = known.get(name) ?? partyAt(ctx, did, version, relays)
    known.set(name, found)
    return found
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
