import { openIndexedDbCatalog } from '@keepwell/adapters/catalog/indexeddb'
import type { Session } from '@keepwell/sdk/actions/context'
import { beginPlea, gatherHelp, type OpenPlea, PLEA_PREFIX, pleaCode, pleaText, withdrawPlea } from '@keepwell/sdk/actions/guardians/plead'
import { beginRound, finishRecovery } from '@keepwell/sdk/actions/guardians/recover'
import { changeRing } from '@keepwell/sdk/actions/vault/change-ring'
import { u64be } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { parseDid } from '@keepwell/sdk/identity/did'
import type { Rekeying } from '#rpc/devices.ts'
import type { Pleading } from '#rpc/guardians.ts'
import { type Call, RemoteError } from '#rpc/rpc.ts'
import type { Unlock } from '#rpc/views.ts'
import { UNCHECKED } from './own-api.ts'
import { openPlace, relayName } from './place.ts'
import { clock, random } from './platform.ts'
import { catalogName, forgetPlea, keepPlea, keepVault, refuseWeak } from './shelf.ts'

/** A recovery that is open in this worker, and what its lock was opened with: the record gets the same. */
export type Begun = { readonly open: OpenPlea; readonly unlock: Unlock; readonly digits: string }

const parts = (origin: string, relay: string) => ({ clock, random, network: openPlace(origin, relay) })

/** Errors whose words in this app are about something else are told by codes of their own. */
function plainly(error: unknown): never {
  const code =
    isKeepwellError(error) &&
    {
      NOT_SUPPORTED: 'GUARDIANS_UNSUPPORTED',
      UNVERIFIED: 'LOST_TWO',
      TOO_EARLY: 'LOST_EARLY',
      NO_KEY: 'LOST_NO_KEY',
      DENIED: 'LOST_STOPPED',
    }[error.code as string]
  if (!code || !isKeepwellError(error)) throw error
  throw new RemoteError(code, error.message)
}

export async function begin(origin: string, { device, unlock }: { readonly device: string; readonly unlock: Unlock }): Promise<Begun> {
  await refuseWeak(unlock)
  const relay = await relayName(origin)
  const open = await beginPlea(parts(origin, relay), { relay, name: device }).catch(plainly)
  await keepPlea(open, unlock)
  return { open, unlock, digits: await pleaCode(open.plea) }
}

export async function status(origin: string, { open, digits }: Begun): Promise<Pleading> {
  const { did, relay, expiry } = open.plea
  const found = await gatherHelp(parts(origin, relay), open).catch(plainly)
  const round = found?.state.round
  const mine = round?.newOwner === parseDid(did).address ? round : null
  return {
    did,
    link: `${origin}/#/recover/${pleaText(open.plea).slice(PLEA_PREFIX.length)}`,
    digits,
    until: expiry,
    relay,
    needed: found?.needed ?? null,
    votes: found?.votes.length ?? 0,
    tampered: found?.tampered ?? [],
    round: mine && { readyAt: mine.readyAt, final: mine.final, state: mine.state },
  }
}

export async function startRound(origin: string, begun: Begun): Promise<Pleading> {
  await beginRound(parts(origin, begun.open.plea.relay), begun.open).catch(plainly)
  return status(origin, begun)
}

/** What came back is kept here under its lock before the plea ends; its words count as unchecked until they were typed again. */
export async function finish(origin: string, { open, unlock }: Begun, { progress }: Call): Promise<{ session: Session; words: string[] }> {
  const ctx = parts(origin, open.plea.relay)
  const found = await gatherHelp(ctx, open).catch(plainly)
  ensure(found, 'NOT_FOUND', 'No guardian has answered yet.')
  const catalog = await openIndexedDbCatalog({ name: catalogName(found.vault) })
  try {
    const { session, words } = await finishRecovery({ ...ctx, catalog }, open, {
      progress: (done, total) => progress({ done, total } satisfies Rekeying),
      async keep(recovered) {
        const marked = { ...ctx, session: recovered.session }
        await changeRing(marked, ring => ({ ...ring, marks: { ...ring.marks, [UNCHECKED]: u64be(clock()) } }))
        await keepVault(recovered.session, unlock)
      },
    })
    await forgetPlea(open.plea.did)
    return { session, words: words.split(' ') }
  } catch (e) {
    return plainly(e)
  } finally {
    await catalog.close()
  }
}

/** Gives it up: what stands of it at the relay and here is destroyed. */
export async function drop(origin: string, { open }: Begun): Promise<void> {
  await withdrawPlea(parts(origin, open.plea.relay), open).catch(e => {
    if (!isKeepwellError(e) || e.code === 'RELAY_UNREACHABLE') throw e
  })
  await forgetPlea(open.plea.did)
}
