import type { Ports } from '#e2e/compose'

/** `inside` is after the work of a transaction and before its commit. */
export type Phase = 'before' | 'inside' | 'after'
/** At `before` it gives the step its number, which the later phases of that step bring along: steps lie within steps. */
export type OnStep = (step: string, phase: Phase, number?: number) => number | Promise<number>

/** Names every step by which a relay changes something that lasts, and tells when it begins and when it is done. */
export function stepping(ports: Ports, on: OnStep): Ports {
  const around =
    <A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const number = await on(name, 'before')
      const result = await work(...args)
      await on(name, 'after', number)
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
        const number = await on('transact', 'before')
        const result = await envelopes.transact(vault, async rows => {
          const done = await work(rows)
          await on('transact', 'inside', number)
          return done
        })
        await on('transact', 'after', number)
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
