import { type ErrorCode, KeepwellError } from '#base/error'
import type { RelayContext } from './context.ts'

/**
 * Where a port fails. `at` counts port calls from when the plan was armed; `before` throws without having done anything (a full
 * disk), `after` does the work and then throws (a crash, or an answer that was lost).
 */
export type Plan = { at: number; when: 'before' | 'after'; code: ErrorCode; calls: string[]; hit: string | null }

export const noPlan = (): Plan => ({ at: Number.POSITIVE_INFINITY, when: 'before', code: 'STORAGE_FULL', calls: [], hit: null })

export function arm(plan: Plan, at: number, when: Plan['when'] = 'before'): void {
  Object.assign(plan, { at, when, calls: [], hit: null })
}

export const disarm = (plan: Plan): void => arm(plan, Number.POSITIVE_INFINITY)

/** The same ports, failing where the plan says. Rows inside a transaction fail through their transaction. */
export function faulty(ctx: RelayContext, plan: Plan): RelayContext {
  const gate = async (name: string, work: () => unknown): Promise<unknown> => {
    const mine = plan.calls.push(name) === plan.at
    const fail = (): never => {
      plan.hit = name
      throw new KeepwellError(plan.code, `${name} failed, as planned.`)
    }
    if (mine && plan.when === 'before') fail()
    const result = await work()
    return mine ? fail() : result
  }
  const wrap = <T extends object>(name: string, port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key)
        if (typeof value === 'function') return (...args: unknown[]) => gate(`${name}.${String(key)}`, () => value.apply(target, args))
        return name === 'ledger' && typeof value === 'object' && value && key !== 'manifest' ? wrap(`ledger.${String(key)}`, value) : value
      },
    })
  return {
    ...ctx,
    ledger: wrap('ledger', ctx.ledger),
    blocks: wrap('blocks', ctx.blocks),
    envelopes: wrap('envelopes', ctx.envelopes),
    shred: wrap('shred', ctx.shred),
    log: wrap('log', ctx.log),
  }
}
