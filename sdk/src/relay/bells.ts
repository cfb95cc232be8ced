import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { isKeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, list, object } from '#base/shape'
import { sha256 } from '#crypto/hash'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import { MAX_WAKES, type WakeDevice, wakeDevice } from '#identity/wake'
import type { Rows } from '#ports/envelopes'
import type { Answer, Body } from '#wire/methods'
import type { RelayContext } from './context.ts'
import { at } from './schema.ts'

/** Custodians of one release ring within seconds of each other: one waking is enough for them all. */
const PAUSE = 60
const HOUR = 3600
/** Wakings of one party within any hour: whoever was given a bell may wake, and not keep awake. */
const MOST = 10

/** A party's one bell: its hash, so that what is kept here rings nothing, and whom it wakes. */
const storedBell = object({ bell: bytes(32), devices: list(wakeDevice, MAX_WAKES) })
type StoredBell = Infer<typeof storedBell>

async function readBell(rows: Pick<Rows, 'get'>): Promise<StoredBell | null> {
  const value = await rows.get('state', at('bell'))
  return value ? decodeAs(storedBell, value) : null
}

/** Sets the caller's bell and its devices (protocol §7); the one before rings nothing from then on. */
export async function putBell(ctx: RelayContext, caller: Party, bell: Body<'put-bell'>): Promise<Answer<'put-bell'>> {
  await ctx.envelopes.transact(caller.did, rows => rows.put('state', [{ key: at('bell'), value: encode(bell) }]))
  return {}
}

/** Wakes the devices of `to` for whoever has its bell. It resolves the same whether it is that bell, or rung too often, or there is none. */
export async function ring(ctx: RelayContext, to: Did, bell: Uint8Array): Promise<void> {
  const stored = await ctx.envelopes.read(to, readBell)
  if (!stored || !equal(stored.bell, sha256(bell)) || !mayRing(ctx, to)) return
  const woken = await Promise.all(stored.devices.map(async device => ({ device, gone: await isGone(ctx, device) })))
  const gone = woken.filter(w => w.gone).map(w => w.device.id)
  if (gone.length) await forget(ctx, to, gone)
}

function mayRing({ clock, memory: { rung } }: RelayContext, to: Did): boolean {
  const now = clock()
  for (const [did, times] of rung) if (times.at(-1)! + HOUR <= now) rung.delete(did)
  const lately = (rung.get(to) ?? []).filter(t => t + HOUR > now)
  if (lately.length >= MOST || (lately.at(-1) ?? 0) + PAUSE > now) return false
  rung.set(to, [...lately, now])
  return true
}

/** A push service that does not answer is not asked again: whoever rang has told in other ways as well. */
async function isGone(ctx: RelayContext, device: WakeDevice): Promise<boolean> {
  try {
    return (await ctx.wake(device)) === 'gone'
  } catch (e) {
    if (!isKeepwellError(e, 'PEER_FAILED')) throw e
    return false
  }
}

const forget = (ctx: RelayContext, did: Did, gone: readonly Uint8Array[]): Promise<void> =>
  ctx.envelopes.transact(did, async rows => {
    const now = await readBell(rows)
    if (!now) return
    const devices = now.devices.filter(d => !gone.some(id => equal(id, d.id)))
    await rows.put('state', [{ key: at('bell'), value: encode({ ...now, devices }) }])
  })
