import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { entryOf } from '#actions/records/list-entries'
import { contactRelays, findParty } from '#actions/vault/calls'
import { toHex } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { forEmergencies } from '#consent/limits'
import { decodeTerms, readTerms, type Terms } from '#consent/terms'
import type { Did } from '#identity/did'
import type { GivenGrant } from '#identity/keyring'
import type { Told } from '#wire/rights'

/** Who was told, and who could not be reached: names. */
export type Telling = { readonly told: readonly string[]; readonly unreached: readonly string[] }

/** What of the record it is about: an id and the part it lies in. */
export type About = { readonly id: Uint8Array; readonly compartment: Uint8Array }

type Posting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>
type Reading = { readonly grant: GivenGrant; readonly terms: Terms }

/** Consents of this vault that let somebody read: those in force, or — with `about` — all there ever were that cover one of these records. */
function readings({ clock, session }: Pick<Ctx, 'clock' | 'session'>, about: readonly About[] | null): Reading[] {
  const { ring } = session.state
  return ring.given.flatMap(grant => {
    const terms = readTerms(decodeTerms(grant.terms).signed)
    const reads = terms.patient === ring.did && terms.level !== 'write' && !forEmergencies(terms.purposes)
    const counts = about ? about.some(a => covers(terms, a)) : grant.state === 'live' && terms.expiry > clock()
    return reads && counts ? [{ grant, terms }] : []
  })
}

function covers(terms: Terms, { id, compartment }: About): boolean {
  const has = (all: readonly Uint8Array[], one: Uint8Array): boolean => all.some(a => toHex(a) === toHex(one))
  return terms.records.length ? has(terms.records, id) : has(terms.compartments, compartment)
}

/**
 * Tells those to whom data may have been disclosed (GDPR 19), each once, in a sealed message. What somebody was given through a proxy is the
 * proxy's to tell on.
 */
export async function tellReaders(ctx: Posting, what: Told, about: readonly About[] | null = null): Promise<Telling> {
  const whom = new Map(readings(ctx, about).map(r => [r.grant.grantee, r.grant.name]))
  return tellEach(
    ctx,
    [...whom].map(([did, name]) => ({ did, name, what })),
  )
}

type Word = { readonly did: Did; readonly name: string; readonly what: Told }

/** Posts to each what is for them; who cannot be reached is named. */
export async function tellEach(ctx: Posting, words: readonly Word[]): Promise<Telling> {
  const told: string[] = []
  const unreached: string[] = []
  for (const { did, name, what } of words) {
    try {
      const party = await findParty(ctx, did, contactRelays(ctx, did))
      ensure(party, 'UNKNOWN_PARTY', 'None of that party’s relays answers.')
      await post(ctx, party, 'right', { step: 'told', ...what }, { introduce: true })
      told.push(name)
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      unreached.push(name)
    }
  }
  return { told, unreached }
}

/** Records of one message. */
const MAX_IDS = 1024

/** Tells of records that were erased; `about` is taken before they leave the catalog. */
export async function tellErased(ctx: Posting, about: readonly About[]): Promise<Telling> {
  const told = new Set<string>()
  const unreached = new Set<string>()
  for (let at = 0; at < about.length; at += MAX_IDS) {
    const some = about.slice(at, at + MAX_IDS)
    const telling = await tellReaders(ctx, { event: 'erased', records: some.map(a => a.id), purposes: [] }, some)
    for (const name of telling.told) told.add(name)
    for (const name of telling.unreached) unreached.add(name)
  }
  return { told: [...told], unreached: [...unreached] }
}

/** Of which parts records are, as the catalog has them. */
export async function aboutOf(ctx: Pick<Ctx, 'catalog' | 'session'>, ids: readonly Uint8Array[]): Promise<About[]> {
  const entries = await Promise.all(ids.map(id => entryOf(ctx, id)))
  return entries.flatMap(entry => (entry ? [{ id: entry.id, compartment: entry.compartment }] : []))
}
