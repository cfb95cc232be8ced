import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { sha256 } from '#crypto/hash'
import type { Party } from '#identity/bundle'
import { calendarMessage, KEM_PUBLIC, pageHash } from '#identity/calendar'
import type { Did } from '#identity/did'
import { headMessage } from '#identity/head'
import { keyringHash, sealedKeyring } from '#identity/sealed-keyring'
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
        page && equal(pageHash(page), entry.page) && page.length === entry.count * KEM_PUBLIC,
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
    await rows.put('state', [
      { key: at('head'), value: encode(body.head) },
      { key: at('keyring'), value: encode(body.keyring) },
    ])
  })
  return {}
}

export const getState = (ctx: RelayContext, caller: Party): Promise<Answer<'get-state'>> =>
  ctx.envelopes.read(caller.did, async rows => {
    const ring = await rows.get('state', at('keyring'))
    return {
      head: await readHead(rows),
      keyring: ring ? decodeAs(sealedKeyring, ring) : null,
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
    keyring: await rows.get('state', at('keyring')),
    head: await readHead(rows),
  }))
  return bundle && keyring ? { keyring: decodeAs(sealedKeyring, keyring), head, bundle } : null
}

export async function publicCalendar(ctx: RelayContext, did: Did) {
  const calendar = await ctx.envelopes.read(did, calendarOf)
  const bundle = await bundleOf(ctx, did)
  return calendar && bundle ? { calendar: calendar.thing, bundle } : null
}

export const publicPage = (ctx: RelayContext, did: Did, compartment: Uint8Array): Promise<Uint8Array | null> =>
  ctx.envelopes.read(did, rows => rows.get('page', compartment))

export const lookupHash = (tag: Uint8Array): Uint8Array => sha256(tag)
