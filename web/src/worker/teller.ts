import type { Doing } from '#rpc/own.ts'
import type { Call } from '#rpc/rpc.ts'
import { elapsed } from './platform.ts'

/** Told at most so often, in milliseconds. */
const PACE = 150

/** Tells how far long work is, but not at every step; that keeps the record open (`guarded`). */
export function teller({ progress }: Call, phase: Doing['phase']) {
  let last = 0
  let state = { done: 0, total: null as number | null, bytes: 0 }
  return (change: Partial<typeof state>): void => {
    state = { ...state, ...change }
    if (elapsed() - last < PACE) return
    last = elapsed()
    progress({ phase, ...state } satisfies Doing)
  }
}
