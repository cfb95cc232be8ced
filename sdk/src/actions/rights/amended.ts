import { NOTHING_SEEN, newReceipts } from '#actions/access/new-receipts'
import type { Ctx } from '#actions/context'
import { entryOf } from '#actions/records/list-entries'
import { selectEntries } from '#actions/records/select-entries'
import { sealedMark } from '#actions/sealed-mark'
import { changeRing } from '#actions/vault/change-ring'
import { concat, readU64, toHex, u64be } from '#base/bytes'
import { bytes, type Infer, list, object, string } from '#base/shape'
import { type Did, did } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import type { Entry } from '#records/catalog'
import { mayReplace } from '#records/versions'
import { type Telling, tellEach } from './tell.ts'

type Amending = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** Up to when this device has looked for amendments, Unix seconds. */
const LOOKED = 'amended'
/** The beginnings of the ids of versions that some device told of last: a mark of the keyring has 1,024 bytes. */
const TOLD = 'amended-told'
const PREFIX = 8
const MOST = 120
/** Ids in one message (protocol §5). */
const IDS = 4096

const NOBODY: Telling = { told: [], unreached: [] }

/** Whom this device could not tell yet, and of what: kept beside the catalog, sealed as it is, until they were told. */
const owedShape = object({ words: list(object({ did, name: string(200), records: list(bytes(16), IDS) }), 1000) })
const owed = sealedMark<Infer<typeof owedShape>>('amended-owed', owedShape, { words: [] })

/**
 * Tells each reader who opened a record under a consent, in force or ended, that there is a newer version of it (GDPR 16 and 19), its author's or
 * its owner's; each by the ids that they opened, and nobody else. What somebody else wrote stands beside the record and corrects nothing. `versions` are the entries that name a prior one, when they are at hand. Amendments
 * from before a device looked first are not told; one that was told by another device is not told again. Sync first.
 */
export async function tellAmended(ctx: Amending, versions?: readonly Entry[]): Promise<Telling> {
  const mark = await ctx.catalog.marked(LOOKED)
  const now = ctx.clock()
  if (!mark) {
    await ctx.catalog.mark(LOOKED, u64be(now + 1))
    return NOBODY
  }
  const before = await tellOwed(ctx)
  const since = readU64(mark)
  const fresh: Entry[] = []
  for (const e of versions ?? (await selectEntries(ctx, v => v.card.prior !== undefined)))
    if (e.filedAt >= since && isCorrection(ctx, e) && (await replacedBy(ctx, e))) fresh.push(e)
  if (fresh.length === 0) return before
  const telling = await tellOf(ctx, fresh)
  // What is filed within this second is looked at once more.
  await ctx.catalog.mark(LOOKED, u64be(Math.max(since, now)))
  return { told: both(before.told, telling.told), unreached: both(before.unreached, telling.unreached) }
}

const both = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])]

/** Tries those again who could not be reached before. */
async function tellOwed(ctx: Amending): Promise<Telling> {
  const { words } = await owed.read(ctx)
  return words.length ? tellWords(ctx, words) : NOBODY
}

type Owed = Infer<typeof owedShape>['words'][number]

/** Tells each, and keeps for the next time whom it could not; what was owed before is among `words`. */
async function tellWords(ctx: Amending, words: readonly Owed[]): Promise<Telling> {
  const [told, left]: [string[], Owed[]] = [[], []]
  for (const word of words) {
    const { did, name, records } = word
    const { unreached } = await tellEach(ctx, [{ did, name, what: { event: 'amended', records, purposes: [] } }])
    unreached.length ? left.push(word) : told.push(name)
  }
  await owed.write(ctx, { words: left.slice(0, 1000) })
  return { told, unreached: [...new Set(left.map(w => w.name))] }
}

/** The emergency summary is made anew all the time, of records that are amended by themselves. */
const isCorrection = ({ session }: Amending, e: Entry): boolean =>
  session.state.ring.compartments.find(c => toHex(c.id) === toHex(e.compartment))?.name !== 'emergency'

type Opened = { readonly name: string; readonly ids: Map<string, Uint8Array> }

async function tellOf(ctx: Amending, fresh: readonly Entry[]): Promise<Telling> {
  const given = new Map(ctx.session.state.ring.given.map(grant => [toHex(grant.commitment), grant]))
  if (given.size === 0) return NOBODY
  const { receipts } = await newReceipts(ctx, NOTHING_SEEN)
  const claimed = await claim(ctx, fresh)
  const older = await olderOf(ctx, claimed)
  const readers = new Map<Did, Opened>()
  for (const r of receipts) {
    const grant = r.grant && r.verdict === 'allowed' ? given.get(toHex(r.grant)) : undefined
    if (!grant || grant.grantee !== r.actor) continue
    const { name, ids } = readers.get(r.actor) ?? { name: grant.name, ids: new Map() }
    // Whoever made the correction knows of it.
    for (const id of r.ids) if ((older.get(toHex(id)) ?? r.actor) !== r.actor) ids.set(toHex(id), id)
    if (ids.size) readers.set(r.actor, { name, ids })
  }
  if (readers.size === 0) return NOBODY
  const now = [...readers].map(([did, { name, ids }]): Owed => ({ did, name, records: [...ids.values()].slice(0, IDS) }))
  return tellWords(ctx, [...(await owed.read(ctx)).words, ...now])
}

/** Those of the versions that no device has told of. Marked before it is done: a crash in between tells nobody, rather than twice. */
async function claim(ctx: Amending, fresh: readonly Entry[]): Promise<Entry[]> {
  const named = (e: Entry): string => toHex(e.id.subarray(0, PREFIX))
  const toldIn = (mark: Uint8Array | undefined): Set<string> =>
    new Set(Array.from({ length: (mark?.length ?? 0) / PREFIX }, (_, i) => toHex(mark!.subarray(i * PREFIX, (i + 1) * PREFIX))))
  let mine: Entry[] = []
  const left = (r: Keyring): Entry[] => fresh.filter(e => !toldIn(r.marks[TOLD]).has(named(e)))
  if (left(ctx.session.state.ring).length === 0) return []
  await changeRing(ctx, r => {
    mine = left(r)
    const mark = concat(...mine.slice(-MOST).map(e => e.id.subarray(0, PREFIX)), r.marks[TOLD] ?? new Uint8Array(0))
    return { ...r, marks: { ...r.marks, [TOLD]: mark.subarray(0, MOST * PREFIX) } }
  })
  return mine
}

/** The ids of all versions that these replace, in hex, and whose the newest is. */
async function olderOf(ctx: Amending, versions: readonly Entry[]): Promise<Map<string, Did>> {
  const out = new Map<string, Did>()
  for (const version of versions)
    for (let older = await replacedBy(ctx, version); older && !out.has(toHex(older.id)); older = await replacedBy(ctx, older))
      out.set(toHex(older.id), version.card.author)
  return out
}

/** The record in whose place a version stands; null for what replaces nothing that is here, or only stands beside it. */
async function replacedBy(ctx: Amending, { card, state }: Entry): Promise<Entry | null> {
  const older = card.prior && state !== 'unverified' ? await entryOf(ctx, card.prior) : null
  return older && mayReplace(card.author, { older: older.card.author, subject: ctx.session.state.ring.did }) ? older : null
}
