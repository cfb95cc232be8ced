import type { Ctx } from '@keepwell/sdk/actions/context'
import { selectEntries } from '@keepwell/sdk/actions/records/select-entries'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Contact, GivenGrant, Keyring } from '@keepwell/sdk/identity/keyring'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { safe } from './show.ts'

/** A party by DID, or by its name among the contacts (any case; a beginning will do when it is the only one). */
export function partyNamed(ring: Pick<Keyring, 'contacts'>, text: string): Did {
  if (text.startsWith('did:')) return text
  const wanted = text.trim().toLowerCase()
  const exact = ring.contacts.filter(c => c.name.toLowerCase() === wanted)
  const found = exact.length ? exact : ring.contacts.filter(c => c.name.toLowerCase().startsWith(wanted))
  if (found.length === 1) return found[0]!.did
  const said = found.length ? `Several contacts are called "${text}"; give the DID` : `There is no contact "${text}"`
  throw new KeepwellError('UNKNOWN_PARTY', `${said}. ${known(ring.contacts)}`)
}

const known = (contacts: readonly Contact[]): string =>
  contacts.length
    ? `Contacts: ${contacts
        .slice(0, 12)
        .map(c => safe(c.name))
        .join(', ')}.`
    : 'There are no contacts yet; exchange an invitation: keepwell invite'

const NOBODY = { bundle: new Uint8Array(0), verified: false, at: 0 }

/** As {@link partyNamed}; whoever gave a consent can be named as well, contact or not. */
export const namedGiver = (ring: Pick<Keyring, 'contacts' | 'received'>, text: string): Did =>
  partyNamed(
    {
      contacts: [
        ...ring.contacts,
        ...ring.received.filter(g => !ring.contacts.some(c => c.did === g.patient)).map(g => ({ ...NOBODY, did: g.patient, name: g.name })),
      ],
    },
    text,
  )

export const nameOf = (ring: Pick<Keyring, 'contacts' | 'did' | 'name'>, did: Did): string =>
  did === ring.did ? 'you' : safe(ring.contacts.find(c => c.did === did)?.name ?? did)

function hexPrefix(prefix: string, what: string): string {
  const wanted = prefix.trim().toLowerCase().replace(/^0x/, '')
  ensure(
    /^[0-9a-f]{2,}$/.test(wanted),
    'USAGE',
    `"${safe(prefix).slice(0, 40)}" is no id of a ${what}; ids are hex digits, the first few will do.`,
  )
  return wanted
}

/** The only one whose id begins with these hex digits. */
export function byPrefix<T>(things: readonly T[], idOf: (t: T) => Uint8Array, prefix: string, what: string): T {
  const wanted = hexPrefix(prefix, what)
  const found = things.filter(t => toHex(idOf(t)).startsWith(wanted))
  if (found.length > 1) throw new KeepwellError('USAGE', `${found.length} ${what}s begin with ${wanted}; give more digits.`)
  if (!found[0]) throw new KeepwellError('NOT_FOUND', `There is no ${what} ${wanted} here.`)
  return found[0]
}

/** A record of the own vault by the first digits of its id. */
export async function entryNamed(ctx: Pick<Ctx, 'catalog' | 'session'>, prefix: string): Promise<Entry> {
  const begins = hexPrefix(prefix, 'record')
  return byPrefix(await selectEntries(ctx, e => toHex(e.id).startsWith(begins)), e => e.id, prefix, 'record')
}

export const consentNamed = (ring: Pick<Keyring, 'given'>, prefix: string): GivenGrant =>
  byPrefix(ring.given, g => g.commitment, prefix, 'consent')
