import { NOTHING_SEEN, newReceipts, type Seen } from '@keepwell/sdk/actions/access/new-receipts'
import type { Arrival } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { heldRecords } from '@keepwell/sdk/actions/records/quarantine'
import { sealedMark } from '@keepwell/sdk/actions/sealed-mark'
import { safekeepingOf } from '@keepwell/sdk/actions/vault/safekeeping'
import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { bool, bytes, type Infer, int, list, nullable, object, oneOf, optional, string } from '@keepwell/sdk/base/shape'
import { decodeTerms, readTerms } from '@keepwell/sdk/consent/terms'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { agentWord } from '@keepwell/sdk/wire/messages'
import type { News, NewsItem, NewsKind } from '#rpc/attention.ts'
import { type Entries, naming } from './entries.ts'

const KINDS = [
  'records',
  'opened',
  'request',
  'contact',
  'shared',
  'ended',
  'ending',
  'held',
  'emergency',
  'concern',
  'asked',
  'answered',
  'frozen',
  'lifted',
  'objected',
  'erased',
  'amended',
  'guarding',
  'guardian',
  'unproved',
  'breach',
  'hold',
  'released',
  'ruleWaits',
  'ruleGave',
  'copies',
  'untold',
  'warning',
] as const satisfies readonly NewsKind[]
const itemShape = object({
  id: bytes(16),
  kind: oneOf(...KINDS),
  at: int(),
  name: string(300),
  count: int(),
  read: bool,
  said: optional(agentWord),
})
type Item = Infer<typeof itemShape>
const kept = object({ seen: nullable(object({ seq: int(), hash: bytes(32) })), items: list(itemShape, 1000) })
type Kept = Infer<typeof kept>

const MAX = 300
const mark = sealedMark<Kept>('news', kept, { seen: null, items: [] })

/** A share is said to end soon when so many seconds are left. */
const SOON = 3 * 86_400
/** What counts as looking into a record. */
const LOOKS = new Set(['list', 'view', 'emergency', 'export'])

/** What happened to the record, as told on this device: sealed, and none of it leaves. */
export type Inbox = {
  /** After a sync: what arrived and what others filed. */
  arrived(arrivals: readonly Arrival[], before: ReadonlySet<string>): Promise<void>
  /** Readers who could not be told of a correction; said once a day, for it is tried again. */
  untold(names: readonly string[]): Promise<void>
  /** After the relay spoke of receipts: who opened something. */
  opened(): Promise<void>
  all(): Promise<News>
  /** Marks everything as read. */
  read(): Promise<void>
}

export function openInbox(ctx: Ctx, entries: Entries, tell: (unread: number, kinds: readonly NewsKind[]) => void): Inbox {
  let turn: Promise<unknown> = Promise.resolve()
  /** One change after another: two that overlap would lose one. */
  const change = (work: (k: Kept) => Promise<Kept>): Promise<void> => {
    const next = turn.then(async () => {
      const before = await mark.read(ctx)
      const after = await work(before)
      if (after === before) return
      const known = new Set(before.items.map(i => toHex(i.id)))
      const fresh = after.items.filter(i => !known.has(toHex(i.id)))
      await mark.write(ctx, { ...after, items: after.items.slice(0, MAX) })
      tell(after.items.filter(i => !i.read).length, [...new Set(fresh.map(i => i.kind))])
    })
    turn = next.catch(() => {})
    return next
  }
  const add = (k: Kept, items: readonly Item[]): Kept => {
    const known = new Set(k.items.map(i => toHex(i.id)))
    const fresh = items.filter(i => !known.has(toHex(i.id)))
    return fresh.length ? { ...k, items: [...fresh.toReversed(), ...k.items] } : k
  }
  const news = maker(ctx)
  return {
    arrived: (arrivals, before) =>
      change(async k => {
        const fresh = [...entries.all()].filter(i => !before.has(i.row.id) && i.row.author)
        const byAuthor = Map.groupBy(fresh, i => i.row.author!)
        const records = [...byAuthor].map(([name, all]) => news('records', name, `records ${all[0]!.row.id}`, all.length))
        // A device that sees the record for the first time has no news, only a record.
        const first = k.seen === null
        return add(k, [
          ...(first ? [] : records),
          ...arrivals.flatMap(a => ofArrival(news, a, { at: ctx.clock(), own: ctx.session.state.ring.did })),
          ...endingSoon(ctx, news),
          ...askedNow(ctx, news),
          ...concernsNow(ctx, news),
          ...guardingNow(ctx, news),
          ...dutiesNow(ctx, news),
          ...usesNow(ctx, news),
          ...copiesNow(ctx, news),
          ...(await heldNow(ctx, news)),
        ])
      }),
    untold: names =>
      change(async k =>
        add(
          k,
          names.map(name => news('untold', name, `${name} ${Math.floor(ctx.clock() / 86_400)}`)),
        ),
      ),
    opened: () =>
      change(async k => {
        const { receipts, seen } = await newReceipts(ctx, k.seen ?? NOTHING_SEEN)
        const { did } = ctx.session.state.ring
        const foreign = k.seen ? receipts.filter(r => r.actor !== did && r.verdict !== 'denied' && LOOKS.has(r.action)) : []
        const names = naming(ctx.session.state.ring)
        const byName = Map.groupBy(foreign, r => names.party(r.actor))
        const items = [...byName].map(([name, all]) => ({
          ...news('opened', name, `receipt ${all[0]!.seq}`, all.length),
          at: all.at(-1)!.time,
        }))
        return add(sameSeen(k.seen, seen) ? k : { ...k, seen }, items)
      }),
    async all() {
      const { items } = await mark.read(ctx)
      return { items: items.map(viewOf), unread: items.filter(i => !i.read).length }
    },
    read: () => change(async k => (k.items.some(i => !i.read) ? { ...k, items: k.items.map(i => ({ ...i, read: true })) } : k)),
  }
}

const sameSeen = (a: Seen | null, b: Seen): boolean => a !== null && a.seq === b.seq

const viewOf = ({ id, ...rest }: Item): NewsItem => ({ ...rest, id: toHex(id) })

type Make = (kind: NewsKind, name: string, what: string, count?: number) => Item

/** `what` makes the item this and no other, so that it is told once. */
const maker =
  ({ clock }: Pick<Ctx, 'clock'>): Make =>
  (kind, name, what, count = 1) => ({
    id: sha256(utf8(`${kind} ${what}`)).slice(0, 16),
    kind,
    at: clock(),
    name: name.slice(0, 300),
    count,
    read: false,
  })

function ofArrival(news: Make, a: Arrival, { at, own }: { readonly at: number; readonly own: string }): Item[] {
  switch (a.kind) {
    case 'request':
      return [news('request', a.name, `${a.did} ${a.at}`)]
    case 'contact':
      return [news('contact', a.name, a.did)]
    case 'grant':
      return [news('shared', a.name, a.commitment)]
    case 'right':
      return ofRight(news, a)
    case 'notice':
      // What one's own agent has to say; an older one says it in English alone.
      return a.did === own ? [{ ...news('warning', a.text, `${a.text} ${at}`), ...(a.said ? { said: a.said } : {}) }] : []
    case 'guardian':
      return a.news === 'disproved' ? [news('unproved', a.name, `${a.did} ${at}`)] : []
    default:
      return []
  }
}

function ofRight(news: Make, { did, name, news: n }: Extract<Arrival, { readonly kind: 'right' }>): Item[] {
  // These are told from the keyring.
  if (n.step === 'duty') return []
  if (n.step !== 'told') return [news(n.step, name, `${toHex(n.case.id)} ${n.case.state}`)]
  // A freeze, its end and the next freeze are three things, though they are said in the same words.
  const made = news(n.event, name, did)
  return [{ ...made, id: sha256(utf8(`${n.event} ${did} ${made.at} ${n.records.map(toHex).join()}`)).slice(0, 16) }]
}

function endingSoon({ clock, session }: Ctx, news: Make): Item[] {
  const now = clock()
  return session.state.ring.given.flatMap(g => {
    const { expiry, notBefore } = readTerms(decodeTerms(g.terms).signed)
    const soon = g.state !== 'revoked' && expiry > now && expiry - now < SOON
    // A share given for a day or two ends as soon as it was meant to.
    return soon && expiry - notBefore > SOON ? [news('ending', g.name, toHex(g.commitment))] : []
  })
}

/** From the keyring, for another device may have taken the custodians' messages. */
const askedNow = ({ session }: Ctx, news: Make): Item[] =>
  (session.state.ring.openings ?? []).filter(o => !o.review).map(o => news('emergency', o.name, toHex(o.tag)))

/** Emergencies of people whom one looks after: from the keyring as well. */
const concernsNow = ({ session }: Ctx, news: Make): Item[] => {
  const names = naming(session.state.ring)
  return (session.state.ring.bell?.heard ?? []).map(h => ({ ...news('concern', names.party(h.of), toHex(h.id)), at: h.at }))
}

/** Who asks to be guarded, and who agreed to guard: from the keyring as well. */
function guardingNow({ session }: Ctx, news: Make): Item[] {
  const { ring } = session.state
  const names = naming(ring)
  const asked = (ring.guarding ?? []).filter(g => !g.key).map(g => news('guarding', names.party(g.vault), toHex(g.id)))
  const agreed = (ring.guardians?.asked ?? []).filter(a => a.address)
  return [...asked, ...agreed.map(a => news('guardian', names.party(a.did), toHex(a.id)))]
}

/** What organisations said that they owe to say: from the keyring, for another device may have taken it. */
const dutiesNow = ({ session }: Ctx, news: Make): Item[] =>
  (session.state.ring.rights?.told ?? []).map(d => {
    const kind = d.kind === 'breach' ? 'breach' : d.ended === null ? 'hold' : 'released'
    return { ...news(kind, d.name, `${d.from} ${toHex(d.id)} ${d.at}`), at: d.at }
  })

/** What an agent does under a rule: from the keyring, where it writes each use down. */
const usesNow = ({ session }: Ctx, news: Make): Item[] =>
  (session.state.ring.rules ?? []).flatMap(r =>
    r.uses.flatMap(u => {
      if (u.state === 'given') return [news('ruleGave', u.name, toHex(u.request))]
      return u.state === 'waiting' && !r.ended ? [news('ruleWaits', u.name, toHex(u.request))] : []
    }),
  )

/** Copies that an agent found lost, or a rehearsal that did not bring everything back. */
function copiesNow({ session, clock }: Ctx, news: Make): Item[] {
  const { copies, drilled } = safekeepingOf(session.state.ring, clock())
  const lost = copies.filter(c => c.lost).map(c => news('copies', '', `lost ${c.at}`))
  return [...lost.slice(0, 1), ...(drilled?.missing ? [news('copies', '', `drill ${drilled.at}`)] : [])]
}

async function heldNow(ctx: Ctx, news: Make): Promise<Item[]> {
  const names = naming(ctx.session.state.ring)
  return (await heldRecords(ctx)).filter(h => !h.ignored).map(h => news('held', h.by ? names.party(h.by) : '', toHex(h.id)))
}
