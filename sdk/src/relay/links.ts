/** Links without an account: sealed files that a relay gives to whoever has their random name (protocol §12). It never has their key. */
import { concat, equal, fromBase64Url, readU64, toBase64Url, u32be, u64be, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { bool, bytes, decodeAs, type Infer, int, list, nullable, object, string } from '#base/shape'
import { hmacSha256, sha256 } from '#crypto/hash'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import type { Rows } from '#ports/envelopes'
import { type LinkState, MAX_LINK_BYTES, MAX_LINK_FILES, MAX_LINK_LIFE, MAX_LINKS, passcodeFits, passcodeVerifier } from '#wire/link'
import type { Answer, Body } from '#wire/methods'
import type { RelayContext } from './context.ts'
import { readLimits } from './limits.ts'

const PART = 1 << 20
/** An address of a file serves for an hour (the standard's limit). */
const TICKET_LIFE = 3600
/** How long an ended link is told to its owner. */
const REMEMBERED = 30 * 86_400
/** Smaller files come within the manifest, unless the reader says otherwise. */
const EMBEDDED = 64 << 10

const storedLink = object({
  created: int(),
  expiry: int(),
  direct: bool,
  lasting: bool,
  attempts: int(),
  verifier: nullable(passcodeVerifier),
  note: bytes({ max: 2048 }),
  files: list(object({ type: string(80), size: int() }), MAX_LINK_FILES),
  opened: int(),
  lastOpened: int(),
  ended: int(),
})
type StoredLink = Infer<typeof storedLink>

export type LinkFileAnswer = { readonly type: string; readonly embedded: Uint8Array } | { readonly type: string; readonly ticket: string }
export type LinkAnswer =
  | { readonly kind: 'gone' }
  | { readonly kind: 'passcode'; readonly remaining: number }
  | { readonly kind: 'files'; readonly lasting: boolean; readonly files: readonly LinkFileAnswer[] }

/** What anyone may ask who has an address; none of it is signed, for a reader needs no account. */
export type LinkDoors = {
  /** `passcode` as it was typed. Wrong ones are counted for the link's whole life. */
  openLink(id: string, ask: { readonly passcode?: string; readonly embeddedLengthMax?: number }): Promise<LinkAnswer>
  /** The one file of a direct link; null when there is no such link. */
  directFile(id: string): Promise<Uint8Array | null>
  /** A file by the ticket that `openLink` gave; null when it is too old, or the link has ended. */
  linkFile(ticket: string): Promise<Uint8Array | null>
}

const indexKey = (id: Uint8Array): Uint8Array => sha256(id)
const partPrefix = (id: Uint8Array, file: number): Uint8Array => concat(indexKey(id), u32be(file))

async function readLink(rows: Pick<Rows, 'get'>, id: Uint8Array): Promise<StoredLink | null> {
  const value = await rows.get('link', indexKey(id))
  return value ? decodeAs(storedRow, value).link : null
}

/** The name stands in the value too: keys are its hash, so that an index that leaks opens nothing. */
const storedRow = object({ id: bytes(32), link: storedLink })
const writeLink = (rows: Rows, id: Uint8Array, link: StoredLink): Promise<void> =>
  rows.put('link', [{ key: indexKey(id), value: encode({ id, link }) }])

const alive = (link: StoredLink | null, now: number): link is StoredLink => link !== null && link.ended === 0 && link.expiry > now

async function ownerOf(ctx: RelayContext, id: Uint8Array): Promise<Did | null> {
  const owner = await ctx.envelopes.read('', rows => rows.get('link', indexKey(id)))
  return owner ? new TextDecoder().decode(owner) : null
}

/** Leaves a link, or replaces the files of one that lasts; its count of openings and of wrong passcodes goes on. */
export async function putLink(ctx: RelayContext, caller: Party, body: Body<'put-link'>): Promise<Answer<'put-link'>> {
  const now = ctx.clock()
  const { id, files, note, ...rules } = body
  ensure(
    files.length > 0 && files.reduce((n, f) => n + f.body.length, 0) <= MAX_LINK_BYTES,
    'TOO_LARGE',
    `A link holds at most ${MAX_LINK_BYTES} bytes.`,
  )
  ensure(rules.expiry > now && rules.expiry <= now + MAX_LINK_LIFE, 'BAD_INPUT', 'A link ends between now and a year from now.')
  ensure(!rules.direct || (files.length === 1 && !rules.verifier), 'BAD_INPUT', 'A link to one file has one file, and no passcode.')
  const owner = await ownerOf(ctx, id)
  ensure(owner === null || owner === caller.did, 'BAD_INPUT', 'That name is taken.')
  await ctx.envelopes.transact(caller.did, async rows => {
    const before = await readLink(rows, id)
    ensure(!before || (before.lasting && alive(before, now)), 'BAD_INPUT', 'That link cannot be changed.')
    ensure(before || (await rows.count('link')) < MAX_LINKS, 'RATE_LIMITED', 'There are too many links; end some.')
    await dropFiles(rows, id)
    for (const [i, f] of files.entries())
      for (let at = 0, part = 0; at < f.body.length; at += PART, part++)
        await rows.put('linkfile', [{ key: concat(partPrefix(id, i), u32be(part)), value: f.body.subarray(at, at + PART) }])
    const kept = before
      ? {
          created: before.created,
          opened: before.opened,
          lastOpened: before.lastOpened,
          attempts: before.attempts,
          verifier: before.verifier,
        }
      : { created: now, opened: 0, lastOpened: 0 }
    await writeLink(rows, id, { ...rules, ...kept, note, files: files.map(f => ({ type: f.type, size: f.body.length })), ended: 0 })
  })
  await ctx.envelopes.transact('', rows => rows.put('link', [{ key: indexKey(id), value: utf8(caller.did) }]))
  return {}
}

async function dropFiles(rows: Rows, id: Uint8Array): Promise<void> {
  for (;;) {
    const found = await rows.scan('linkfile', { prefix: indexKey(id), limit: 64 })
    await rows.delete(
      'linkfile',
      found.map(r => r.key),
    )
    if (found.length < 64) return
  }
}

/** Ends a link: the files are gone, the name leads nowhere; that it was there is told to its owner for a month. */
export async function endLink(ctx: RelayContext, caller: Party, { id }: Body<'end-link'>): Promise<Answer<'end-link'>> {
  const found = await ended(ctx, caller.did, id)
  if (!found) throw new KeepwellError('NOT_FOUND', 'You have no link of that name here.')
  return {}
}

async function ended(ctx: RelayContext, did: Did, id: Uint8Array, holds: (link: StoredLink) => boolean = () => true): Promise<boolean> {
  const done = await ctx.envelopes.transact(did, async rows => {
    const link = await readLink(rows, id)
    if (!link || !holds(link)) return false
    await dropFiles(rows, id)
    await writeLink(rows, id, { ...link, files: [], verifier: null, ended: link.ended || ctx.clock() })
    return true
  })
  if (!done) return false
  await ctx.envelopes.transact('', rows => rows.delete('link', [indexKey(id)]))
  // Whoever had the address has the files' key.
  await ctx.envelopes.scrub()
  return true
}

export async function listLinks(ctx: RelayContext, did: Did): Promise<Answer<'links'>> {
  await sweepLinksOf(ctx, did)
  const rows = await ctx.envelopes.read(did, r => r.scan('link', { limit: MAX_LINKS }))
  return { links: rows.map(r => decodeAs(storedRow, r.value)).map(({ id, link }): LinkState => stateOf(id, link)) }
}

function stateOf(
  id: Uint8Array,
  { created, expiry, direct, lasting, attempts, opened, lastOpened, ended: at, note, verifier }: StoredLink,
): LinkState {
  return { id, created, expiry, direct, lasting, passcode: verifier !== null, attempts, opened, lastOpened, ended: at, note }
}

/** Files of links that expired are destroyed, and links that ended a month ago are forgotten. */
async function sweepLinksOf(ctx: RelayContext, did: Did): Promise<void> {
  const now = ctx.clock()
  const rows = await ctx.envelopes.read(did, r => r.scan('link', { limit: MAX_LINKS }))
  for (const { key, value } of rows) {
    const { id, link } = decodeAs(storedRow, value)
    if (link.ended === 0 && link.expiry <= now) await ended(ctx, did, id)
    const end = link.ended || (link.expiry <= now ? link.expiry : 0)
    if (end && end + REMEMBERED < now) await ctx.envelopes.transact(did, r => r.delete('link', [key]))
  }
}

/** For everyone, by the operator's process; at most once an hour. */
export async function sweepLinks(ctx: RelayContext): Promise<void> {
  const { sweptLinks } = ctx.memory
  if (sweptLinks.at + 3600 > ctx.clock()) return
  sweptLinks.at = ctx.clock()
  for (const did of await ctx.envelopes.vaults('link')) if (did !== '') await sweepLinksOf(ctx, did)
}

/** The names of a vault that was erased lead nowhere; its rows go with all others. */
export async function forgetLinks(ctx: RelayContext, did: Did): Promise<void> {
  const rows = await ctx.envelopes.read(did, r => r.scan('link', { limit: MAX_LINKS }))
  if (rows.length)
    await ctx.envelopes.transact('', r =>
      r.delete(
        'link',
        rows.map(row => row.key),
      ),
    )
}

type Asked = { readonly did: Did; readonly id: Uint8Array; readonly link: StoredLink }

function idIn(text: string): Uint8Array | null {
  return /^[A-Za-z0-9_-]{43}$/.test(text) ? fromBase64Url(text) : null
}

/** Counts an opening; null when the link ended meanwhile. */
async function counted(ctx: RelayContext, { did, id }: Asked, given: 0 | 1): Promise<StoredLink | null> {
  return ctx.envelopes.transact(did, async rows => {
    const link = await readLink(rows, id)
    if (!alive(link, ctx.clock())) return null
    const next = { ...link, attempts: link.attempts + given, opened: link.opened + 1, lastOpened: ctx.clock() }
    await writeLink(rows, id, next)
    return next
  })
}

/**
 * Takes one try before it looks at the passcode, and gives it back when it was right: of any number of guesses at once, no more are looked at
 * than are left, and a crash in between costs a try, never gives one.
 */
async function tried(
  ctx: RelayContext,
  { did, id, link }: Asked & { readonly link: { readonly verifier: NonNullable<StoredLink['verifier']> } },
  passcode: string | undefined,
): Promise<LinkAnswer | null> {
  if (passcode === undefined) return { kind: 'passcode', remaining: link.attempts }
  const remaining = await ctx.envelopes.transact(did, async rows => {
    const now = await readLink(rows, id)
    if (!alive(now, ctx.clock()) || now.attempts <= 0) return null
    await writeLink(rows, id, { ...now, attempts: now.attempts - 1 })
    return now.attempts - 1
  })
  if (remaining === null) return { kind: 'passcode', remaining: 0 }
  if (passcodeFits(link.verifier, passcode)) return null
  if (remaining === 0) await ended(ctx, did, id, l => l.attempts <= 0)
  return { kind: 'passcode', remaining }
}

async function asked(ctx: RelayContext, text: string): Promise<Asked | null> {
  const id = idIn(text)
  const did = id && (await ownerOf(ctx, id))
  if (!id || !did) return null
  const { link, limits } = await ctx.envelopes.read(did, async rows => ({ link: await readLink(rows, id), limits: await readLimits(rows) }))
  // A link is a bearer's: while its owner's record is frozen it leads nowhere.
  if (limits?.frozen) return null
  return alive(link, ctx.clock()) ? { did, id, link } : null
}

async function openLink(ctx: RelayContext, text: string, ask: { passcode?: string; embeddedLengthMax?: number }): Promise<LinkAnswer> {
  const found = await asked(ctx, text)
  if (!found || found.link.direct) return { kind: 'gone' }
  const { verifier } = found.link
  if (verifier) {
    const refused = await tried(ctx, { ...found, link: { ...found.link, verifier } }, ask.passcode)
    if (refused) return refused
  }
  const link = await counted(ctx, found, verifier ? 1 : 0)
  if (!link) return { kind: 'gone' }
  const max = ask.embeddedLengthMax ?? EMBEDDED
  const files: LinkFileAnswer[] = []
  for (const [i, { type, size }] of link.files.entries()) {
    const embedded = size <= max ? await fileOf(ctx, found.did, found.id, i) : null
    files.push(embedded ? { type, embedded } : { type, ticket: ticketFor(ctx, found.id, i) })
  }
  return { kind: 'files', lasting: link.lasting, files }
}

async function fileOf(ctx: RelayContext, did: Did, id: Uint8Array, file: number): Promise<Uint8Array | null> {
  const parts = await ctx.envelopes.read(did, rows =>
    rows.scan('linkfile', { prefix: partPrefix(id, file), limit: MAX_LINK_BYTES / PART + 1 }),
  )
  return parts.length ? concat(...parts.map(p => p.value)) : null
}

const TICKET = utf8('link-ticket\0')

/** id ‖ file ‖ expiry ‖ HMAC under the relay's own key. */
function ticketFor(ctx: RelayContext, id: Uint8Array, file: number): string {
  const claim = concat(id, u32be(file), u64be(ctx.clock() + TICKET_LIFE))
  return toBase64Url(concat(claim, hmacSha256(ctx.keys.mac, concat(TICKET, claim))))
}

async function linkFile(ctx: RelayContext, ticket: string): Promise<Uint8Array | null> {
  if (!/^[A-Za-z0-9_-]{102}$/.test(ticket)) return null
  const all = fromBase64Url(ticket)
  const claim = all.subarray(0, 44)
  if (!equal(all.subarray(44), hmacSha256(ctx.keys.mac, concat(TICKET, claim))) || readU64(claim.subarray(36)) < ctx.clock()) return null
  const found = await asked(ctx, toBase64Url(claim.subarray(0, 32)))
  return found && fileOf(ctx, found.did, found.id, new DataView(claim.buffer, claim.byteOffset + 32, 4).getUint32(0))
}

export const linkDoors = (ctx: RelayContext): LinkDoors => ({
  openLink: (id, ask) => openLink(ctx, id, ask),
  async directFile(text) {
    const found = await asked(ctx, text)
    return found?.link.direct && (await counted(ctx, found, 0)) ? fileOf(ctx, found.did, found.id, 0) : null
  },
  linkFile: ticket => linkFile(ctx, ticket),
})
