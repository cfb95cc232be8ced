import type { Ports } from '#e2e/compose'

/** `inside` is after the work of a transaction and before its commit. */
export type Phase = 'before' | 'inside' | 'after'
export type OnStep = (step: string, phase: Phase) => void | Promise<void>

/** Names every step by which a relay changes something that lasts, and tells when it begins and when it is done. */
export function stepping(ports: Ports, on: OnStep): Ports {
  const around =
    <A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await on(name, 'before')
      const result = await work(...args)
      await on(name, 'after')
      return result
    }
  const { ledger, blocks, envelopes, shred, log } = ports
  return {
    ledger: {
      ...ledger,
      consents: {
        slot: ledger.consents.slot,
        grant: around('ledger.grant', ledger.consents.grant),
        revoke: around('ledger.revoke', ledger.consents.revoke),
      },
      anchors: { of: ledger.anchors.of, add: around('ledger.anchor', ledger.anchors.add) },
      trail: { ...ledger.trail, publish: around('ledger.publish', ledger.trail.publish) },
    },
    blocks: {
      put: around('blocks.put', b => blocks.put(b)),
      drop: around('blocks.drop', c => blocks.drop(c)),
      get: cid => blocks.get(cid),
      has: cid => blocks.has(cid),
      size: () => blocks.size(),
      close: () => blocks.close(),
    },
    envelopes: {
      ...envelopes,
      async transact(vault, work) {
        await on('transact', 'before')
        const result = await envelopes.transact(vault, async rows => {
          const done = await work(rows)
          await on('transact', 'inside')
          return done
        })
        await on('transact', 'after')
        return result
      },
    },
    shred: {
      get: shred.get,
      put: around('shred.put', shred.put),
      destroy: around('shred.destroy', shred.destroy),
    },
    log: { ...log, append: around('log.append', log.append) },
  }
}
