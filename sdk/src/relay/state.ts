import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { sha256 } from '#crypto/hash'
import type { Party } from '#identity/bundle'
import { calendarMessage, KEM_PUBLIC, pageHash } from '#identity/calendar'
import type { Did } from '#identity/did'
import { headMessage } from '#identity/head'
import { bareKeyring, keyringHash, MAX_PARTS, MAX_PARTS_BYTES, type SealedKeyring, sealedKeyring } from '#identity/sealed-keyring'
import { peek, signed, signedHash, verifySigned } from '#identity/signed'
import type { Rows } from '#ports/envelopes'
import type { Answer, Body, Restored } from '#wire/methods'
import type { RelayContext } from './context.ts'
import { bundleOf } from './parties.ts'
import { at, lastNumber } from './schema.ts'

const readSigned = async (rows: Pick<Rows, 'get'>, name: string) => {
  const value = await rows.get('state', at(name))
  return value ? decodeAs(signed, value) : null
}

export const readHead = (rows: Pick<Rows, 'get'>) => readSigned(rows, 'head')

/** The calendar in force, or null before the first. */
export async function calendarOf(rows: Pick<Rows, 'get'>) {
  const thing = await readSigned(rows, 'calendar')
  return thing ? { thing, message: peek(thing, calendarMessage) } : null
}

/** Publishes a calendar: version only rises, every page matches the hash that was signed. */
export async function putCalendar(ctx: RelayContext, caller: Party, body: Body<'put-calendar'>): Promise<Record<string, never>> {
  const message = await verifySigned(body.calendar, 'calendar', calendarMessage, caller.keys)
  ensure(message.vault === caller.did && body.calendar.signer === caller.did, 'BAD_SIGNATURE', 'A vault publishes its own calendar only.')
  await ctx.envelopes.transact(caller.did, async rows => {
    const before = await calendarOf(rows)
    if (before && equal(signedHash(before.thing), signedHash(body.calendar))) return
    ensure(
      !before || message.version > before.message.version,
      'HEAD_CONFLICT',
      'A calendar of that version or a later one is published already.',
    )
    for (const entry of message.compartments) {
      const given = body.pages.find(p => equal(p.compartment, entry.id))
      const page = given?.page ?? (await rows.get('page', entry.id))
      ensure(
        page && equal(await pageHash(page), entry.page) && page.length === entry.count * KEM_PUBLIC,
        'BAD_INPUT',
        'A calendar page is missing or does not match.',
      )
      if (given) await rows.put('page', [{ key: entry.id, value: given.page }])
    }
    await rows.put('state', [{ key: at('calendar'), value: encode(body.calendar) }])
  })
  return {}
}

/** Compare-and-set of head and keyring: accepted only as the next version; the loser rebases (protocol §2). */
export async function putHead(ctx: RelayContext, caller: Party, body: Body<'put-head'>): Promise<Record<string, never>> {
  const message = await verifySigned(body.head, 'head', headMessage, caller.keys)
  ensure(message.vault === caller.did && body.head.signer === caller.did, 'BAD_SIGNATURE', 'A vault sets its own head only.')
  ensure(
    body.keyring.vault === caller.did && equal(keyringHash(body.keyring), message.keyring),
    'BAD_INPUT',
    'The head names another keyring.',
  )
  ensure(body.keyring.version === message.version, 'BAD_INPUT', 'Keyring and head have different versions.')
  await ctx.envelopes.transact(caller.did, async rows => {
    const before = await readHead(rows)
    if (before && equal(signedHash(before), signedHash(body.head))) return
    // A relay that has no head yet takes any: a vault that moves here from a backup brings its history with it.
    const next = before ? peek(before, headMessage).version + 1 : message.version
    if (message.version !== next)
      throw new KeepwellError(
        'HEAD_CONFLICT',
        `The vault head is at version ${next - 1}; this change was made on version ${message.version - 1}.`,
      )
    ensure(
      !before || (message.prev && equal(message.prev, signedHash(before))),
      'HEAD_CONFLICT',
      'The head does not follow the one in force.',
    )
    await turnParts(rows, body.keyring)
    await rows.put('state', [
      { key: at('head'), value: encode(body.head) },
      { key: at('keyring'), value: encode(bareKeyring(body.keyring)) },
    ])
  })
  return {}
}

const keyringIn = async (rows: Pick<Rows, 'get'>): Promise<SealedKeyring | null> => {
  const value = await rows.get('state', at('keyring'))
  return value ? decodeAs(sealedKeyring, value) : null
}

/** The parts a new keyring names must be here; those that the old one alone named are destroyed with it. */
async function turnParts(rows: Rows, { parts = [] }: SealedKeyring): Promise<void> {
  const before = (await keyringIn(rows))?.parts ?? []
  const had = new Map(before.map(p => [toHex(p.hash), p.size]))
  const now = new Set(parts.map(p => toHex(p.hash)))
  ensure(
    parts.reduce((sum, p) => sum + p.size, 0) <= MAX_PARTS_BYTES,
    'TOO_LARGE',
    `A keyring’s parts have at most ${MAX_PARTS_BYTES} bytes.`,
  )
  for (const { hash, size } of parts) {
    const there = had.get(toHex(hash)) ?? (await rows.get('part', hash))?.length
    ensure(there === size, 'BAD_INPUT', 'A part of the keyring is not here; leave it first.')
  }
  const gone = before.filter(p => !now.has(toHex(p.hash)))
  if (gone.length)
    await rows.delete(
      'part',
      gone.map(p => p.hash),
    )
}

/** Keeps parts for the head that comes next. When too many wait that no head ever named, those are forgotten first. */
export async function putParts(ctx: RelayContext, { did }: Party, { parts }: Body<'put-parts'>): Promise<Record<string, never>> {
  await ctx.envelopes.transact(did, async rows => {
    if ((await rows.count('part')) + parts.length > 2 * MAX_PARTS) await forgetUnnamed(rows)
    await rows.put(
      'part',
      parts.map(value => ({ key: sha256(value), value })),
    )
  })
  return {}
}

async function forgetUnnamed(rows: Rows): Promise<void> {
  const named = new Set(((await keyringIn(rows))?.parts ?? []).map(p => toHex(p.hash)))
  let after: Uint8Array | undefined
  for (;;) {
    const page = await rows.scan('part', { limit: 32, ...(after ? { after } : {}) })
    if (page.length === 0) return
    after = page.at(-1)!.key
    await rows.delete(
      'part',
      page.map(r => r.key).filter(key => !named.has(toHex(key))),
    )
  }
}

/** The keyring with the bytes of its parts, but those that the asker has. */
async function wholeKeyring(rows: Pick<Rows, 'get'>, have: readonly Uint8Array[] = []): Promise<SealedKeyring | null> {
  const ring = await keyringIn(rows)
  if (!ring?.parts) return ring
  const there = new Set(have.map(toHex))
  const parts = []
  for (const part of ring.parts) {
    const sealed = there.has(toHex(part.hash)) ? null : await rows.get('part', part.hash)
    parts.push(sealed ? { ...part, sealed } : part)
  }
  return { ...ring, parts }
}

export const getState = (ctx: RelayContext, caller: Party, { have }: Body<'get-state'>): Promise<Answer<'get-state'>> =>
  ctx.envelopes.read(caller.did, async rows => {
    return {
      head: await readHead(rows),
      keyring: await wholeKeyring(rows, have),
      calendar: await readSigned(rows, 'calendar'),
      writes: await lastNumber(rows, 'seq'),
    }
  })

/** The sealed keyring for whoever knows the tag that the words derive; useless without the recovery key. */
export async function restore(ctx: RelayContext, tag: Uint8Array): Promise<Restored | null> {
  const owner = await ctx.envelopes.read('', rows => rows.get('lookup', sha256(tag)))
  if (!owner) return null
  return restoredOf(ctx, new TextDecoder().decode(owner))
}

/** Keyring, head and bundle of a vault that is kept here; who may have them is the caller's to check. */
export async function restoredOf(ctx: RelayContext, did: Did): Promise<Restored | null> {
  const bundle = await bundleOf(ctx, did)
  const { keyring, head } = await ctx.envelopes.read(did, async rows => ({
    keyring: await wholeKeyring(rows),
    head: await readHead(rows),
  }))
  return bundle && keyring ? { keyring, head, bundle } : null
}

export async function publicCalendar(ctx: RelayContext, did: Did) {
  const calendar = await ctx.envelopes.read(did, calendarOf)
  const bundle = await bundleOf(ctx, did)
  return calendar && bundle ? { calendar: calendar.thing, bundle } : null
}

export const publicPage = (ctx: RelayContext, did: Did, compartment: Uint8Array): Promise<Uint8Array | null> =>
  ctx.envelopes.read(did, rows => rows.get('page', compartment))

export const lookupHash = (tag: Uint8Array): Uint8Array => sha256(tag)
