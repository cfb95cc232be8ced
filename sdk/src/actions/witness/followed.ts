import type { Ctx } from '#actions/context'
import { cosignature, type WitnessKey } from '#audit/cosign'
import { evidence, type SignedHead, signedHead } from '#audit/evidence'
import { logHead, type TrailDomain } from '#audit/head'
import { utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { bool, bytes, decodeAs, type Infer, int, list, nullable, object, oneOf, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { bundle } from '#identity/bundle'
import { address, did } from '#identity/did'
import type { EnvelopeStore } from '#ports/envelopes'
import type { Ledger } from '#ports/ledger'
import { CHARGES, type ChargeKind } from '#wire/witness'

const charge = object({
  kind: oneOf(...CHARGES),
  since: int(),
  /** Over: what was late came, who was silent answered. */
  until: nullable(int()),
  told: bool,
  evidence: optional(evidence),
  tx: nullable(string(80)),
})

/** All that a witness keeps of one log. `disputed` are heads that the log signed and does not show as its past, or cannot. */
const followed = object({
  v: int(1, 1),
  url: string(2048),
  did,
  bundle,
  log: address,
  chainId: int(1),
  manifest: bytes({ max: 1 << 16 }),
  contract: address,
  since: int(),
  looked: nullable(int()),
  failing: nullable(int()),
  head: nullable(logHead),
  cosignature: nullable(cosignature),
  anchored: nullable(object({ size: int(), root: bytes(32), time: int() })),
  waiting: nullable(object({ size: int(), since: int() })),
  disputed: list(signedHead, 16),
  charges: list(charge, 64),
})
export type Followed = Infer<typeof followed>
export type Held = Followed['charges'][number]

/** The powers of a witness: no key of anyone's but its own, and an account on the ledger that may say what it proved. */
export type WitnessCtx = Pick<Ctx, 'clock' | 'network'> & {
  readonly store: EnvelopeStore
  /** The ledger of a log, with an account that can write: best by another door than the relay's own. */
  readonly ledger: (of: Pick<Followed, 'url' | 'chainId' | 'manifest'>) => Promise<Ledger>
  readonly key: WitnessKey & { readonly seed: Uint8Array }
  /** Seconds within which a grown log is to be anchored. */
  readonly promise: number
  /** Tells the operator; throws when nobody took it, and is asked again at the next look. */
  readonly tell: (told: { readonly url: string; readonly log: string } & Pick<Held, 'kind' | 'since' | 'tx'>) => Promise<void>
  readonly turns: Map<string, Promise<unknown>>
}

const KIND = 'followed'
const keyOf = (url: string): Uint8Array => sha256(utf8(url))

export const readFollowed = async ({ store }: Pick<WitnessCtx, 'store'>, url: string): Promise<Followed | null> => {
  const row = await store.read('', rows => rows.get(KIND, keyOf(url)))
  return row && decodeAs(followed, row)
}

export const writeFollowed = ({ store }: Pick<WitnessCtx, 'store'>, f: Followed): Promise<void> =>
  store.transact('', rows => rows.put(KIND, [{ key: keyOf(f.url), value: encode(f) }]))

export async function allFollowed({ store }: Pick<WitnessCtx, 'store'>): Promise<Followed[]> {
  const rows = await store.read('', r => r.scan(KIND, { limit: 4096 }))
  return rows.map(r => decodeAs(followed, r.value))
}

export const findFollowed = async (ctx: Pick<WitnessCtx, 'store'>, log: string): Promise<Followed | null> =>
  (await allFollowed(ctx)).find(f => f.log === log) ?? null

export const domainOf = ({ chainId, contract }: Followed): TrailDomain => ({ chainId, contract })

/** One thing at a time for each log: what was seen before must be known before the next is asked for. */
export async function inTurn<T>({ turns }: Pick<WitnessCtx, 'turns'>, url: string, work: () => Promise<T>): Promise<T> {
  const run = (turns.get(url) ?? Promise.resolve()).then(work)
  const settled = run.catch(() => {})
  turns.set(url, settled)
  try {
    return await run
  } finally {
    if (turns.get(url) === settled) turns.delete(url)
  }
}

/** Holds something against a log, from now on; what is held already stays as it is, but for proof that was missing. */
export function charged(f: Followed, kind: ChargeKind, now: number, proof?: Held['evidence']): Followed {
  const known = f.charges.find(c => c.kind === kind && c.until === null)
  if (known && (known.evidence || !proof)) return f
  const entry: Held = {
    kind,
    since: known?.since ?? now,
    until: null,
    told: known?.told ?? false,
    ...(proof ? { evidence: proof } : {}),
    tx: null,
  }
  const others = f.charges.filter(c => c !== known)
  // What is over is forgotten first where there is much of it; what is held is never.
  const kept = others.length < 60 ? others : others.filter(c => c.until === null)
  return { ...f, charges: [...kept, entry] }
}

/** What was held until now is over. */
export const cleared = (f: Followed, kind: ChargeKind, now: number): Followed =>
  f.charges.some(c => c.kind === kind && c.until === null)
    ? { ...f, charges: f.charges.map(c => (c.kind === kind && c.until === null ? { ...c, until: now } : c)) }
    : f

export const disputes = (f: Followed, head: SignedHead): Followed =>
  f.disputed.length >= 16 || f.disputed.some(d => d.signature === head.signature) ? f : { ...f, disputed: [...f.disputed, head] }

/** What is held against it now. */
export const standing = (f: Followed) => f.charges.filter(c => c.until === null).map(({ kind, since, tx }) => ({ kind, since, tx }))
