import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { bundleMessage, type Party } from '#identity/bundle'
import type { Call } from '#identity/call'
import type { Did } from '#identity/did'
import { peek } from '#identity/signed'
import type { Relay } from '#ports/relay'
import { type Answer, type Body, METHODS, type MethodName } from '#wire/methods'
import { access } from './access.ts'
import { anchorPending, anchorsOf } from './anchors.ts'
import { authenticate } from './authenticate.ts'
import { putBell, ring } from './bells.ts'
import type { RelayContext } from './context.ts'
import { destroyDoomed, erase, listTombstones } from './erase.ts'
import { eraseVault, sweepVault } from './erase-vault.ts'
import { currentHead, proveConsistency, publishHead } from './heads.ts'
import { putLimits } from './limits.ts'
import { endLink, type LinkDoors, linkDoors, listLinks, putLink, sweepLinks } from './links.ts'
import { putCopy, send, takeCopies, takeMessages } from './messages.ts'
import { meta, revoke } from './meta.ts'
import { bundleOf, departed, enroll } from './parties.ts'
import { getBlocks, putBlocks } from './payloads.ts'
import { policyBlock } from './policies.ts'
import { listReceipts, repairLog } from './receipts.ts'
import { recover, recoveryStep } from './recovery.ts'
import { report } from './report.ts'
import { getState, publicCalendar, publicPage, putCalendar, putHead, putParts, restore } from './state.ts'
import { submit } from './submit.ts'

type Handler<M extends MethodName> = (ctx: RelayContext, caller: Party, body: Body<M>, call: Call) => Promise<Answer<M>>

const HANDLERS: { readonly [M in MethodName]: Handler<M> } = {
  enroll: (ctx, caller, body) => enroll(ctx, caller.did, body),
  'put-calendar': putCalendar,
  'put-head': putHead,
  'put-parts': putParts,
  'put-limits': putLimits,
  'get-state': getState,
  submit: (ctx, _caller, body, call) => submit(ctx, call, body),
  access: (ctx, _caller, body, call) => access(ctx, call, body),
  revoke: (ctx, _caller, body, call) => revoke(ctx, call, body),
  meta: (ctx, _caller, body) => meta(ctx, body),
  erase: async (ctx, caller, body) => ({ receipt: await erase(ctx, caller, body.tombstone) }),
  'erase-vault': async (ctx, caller, body) => ({ receipt: await eraseVault(ctx, caller, body.tombstone) }),
  tombstones: (ctx, caller, body) => listTombstones(ctx, caller.did, body.after),
  'take-messages': (ctx, caller, body) => takeMessages(ctx, caller.did, body),
  receipts: (ctx, caller, body) => listReceipts(ctx, caller.did, body),
  'put-copy': (ctx, _caller, body) => putCopy(ctx, body.vault, body.copy),
  'take-copies': (ctx, caller, body) => takeCopies(ctx, caller.did, body.done),
  anchors: (ctx, caller, body) => anchorsOf(ctx, caller.did, body),
  'put-link': putLink,
  'end-link': endLink,
  'put-bell': putBell,
  report: (ctx, _caller, body) => report(ctx, body),
  recovery: (ctx, _caller, body) => recoveryStep(ctx, body),
  recover,
  links: (ctx, caller) => listLinks(ctx, caller.did),
}

/** What the operator's process does for a relay besides answering. */
export type Upkeep = {
  /** Finishes what a crash left: missing log leaves, keys still to be destroyed. */
  recover(): Promise<{ logged: number }>
  /** Anchors waiting records, then the log's head; destroys what links left behind. */
  anchor(): Promise<{ records: number; head: boolean }>
}

/** A relay over its ports. The same object serves in process and behind HTTP. */
export function createRelay(ctx: RelayContext): Relay & Upkeep & LinkDoors {
  return {
    ...linkDoors(ctx),
    url: ctx.settings.url,
    info: async () => ({
      did: ctx.keys.did,
      bundle: ctx.keys.bundle,
      chainId: ctx.ledger.chainId,
      manifest: encode(ctx.ledger.manifest),
      time: ctx.clock(),
      version: ctx.settings.version,
    }),
    call: (method, call) => answer(ctx, method, call),
    send: message => send(ctx, message),
    ring: (to, bell) => ring(ctx, to, bell),
    async putBlocks(auth, blocks) {
      await authenticate(ctx, 'put-blocks', auth)
      await putBlocks(ctx, auth, blocks)
    },
    getBlocks: (capability, cids, signal) => getBlocks(ctx, capability, cids, signal),
    bundle: (did, version) => bundleOf(ctx, did, version),
    calendar: did => publicCalendar(ctx, did),
    page: (did, compartment) => publicPage(ctx, did, compartment),
    restore: tag => restore(ctx, tag),
    policy: hash => policyBlock(ctx, hash),
    head: () => currentHead(ctx),
    consistency: (from, to) => proveConsistency(ctx, from, to),
    events: (auth, signal) => events(ctx, auth, signal),
    async recover() {
      for (const vault of await ctx.envelopes.vaults('doomed')) await destroyDoomed(ctx, vault)
      for (const vault of await ctx.envelopes.vaults('sweep')) await sweepVault(ctx, vault)
      return { logged: await repairLog(ctx) }
    },
    async anchor() {
      await sweepLinks(ctx)
      return { records: await anchorPending(ctx), head: await publishHead(ctx) }
    },
  }
}

async function answer<M extends MethodName>(ctx: RelayContext, method: M, call: Call): Promise<Answer<M>> {
  const body = decodeAs(METHODS[method].body, call.body) as Body<M>
  const caller = await authenticate(ctx, method, call, await announced(ctx, method, body, call))
  return HANDLERS[method](ctx, caller, body, call)
}

/** Who may call without being a party here: one that enrolls, and one that asks again for the receipt of its own end. */
async function announced<M extends MethodName>(ctx: RelayContext, method: M, body: Body<M>, call: Call): Promise<Party | undefined> {
  if (method === 'enroll') return claimed(body as Body<'enroll'>, call)
  return method === 'erase-vault' ? ((await departed(ctx, call.from)) ?? undefined) : undefined
}

/** The first call of a party brings its own bundle; `enroll` checks it before anything is stored. */
function claimed(body: Body<'enroll'>, call: Call): Party {
  const m = peek(body.bundle.signed, bundleMessage)
  ensure(m.did === call.from && m.version === call.version, 'BAD_SIGNATURE', 'A party enrolls its own key bundle only.')
  return { ...m, keys: { ed25519: m.ed25519, mldsa65: m.mldsa65 }, hash: sha256(body.bundle.signed.message) }
}

async function* events(ctx: RelayContext, auth: Call, signal: AbortSignal): AsyncIterable<string> {
  await authenticate(ctx, 'events', auth)
  const waiting: string[] = ['ready']
  let wake = () => {}
  const tell = (word: string): void => {
    if (!waiting.includes(word)) waiting.push(word)
    wake()
  }
  const stop = listen(ctx, auth.from, tell)
  signal.addEventListener('abort', () => wake())
  try {
    while (!signal.aborted) {
      if (waiting.length) yield waiting.shift()!
      else
        await new Promise<void>(resolve => {
          wake = resolve
        })
    }
  } finally {
    stop()
  }
}

function listen(ctx: RelayContext, did: Did, tell: (word: string) => void): () => void {
  const { listeners } = ctx.memory
  const own = listeners.get(did) ?? new Set()
  listeners.set(did, own)
  own.add(tell)
  return () => {
    own.delete(tell)
    if (own.size === 0) listeners.delete(did)
  }
}
