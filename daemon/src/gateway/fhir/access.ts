import { KeepwellError } from '@keepwell/sdk/base/error'
import { matches } from '@keepwell/sdk/health/fhir/search/search'
import type { Store, Version, Visible } from '@keepwell/sdk/health/fhir/search/types'
import type { Actor, Scope } from '#gateway/core/types'

/** SMART v2's letters: create, read, update, delete, search (SMART App Launch 2.0 §3.0.2). */
export type Right = 'c' | 'r' | 'u' | 'd' | 's'

const covers = (scope: Scope, type: string, right: Right): boolean => (scope.type === '*' || scope.type === type) && scope[right]

/** What an actor may do with a type: all, nothing, or what meets one of the queries of its scopes. */
export function granted({ scopes }: Pick<Actor, 'scopes'>, type: string, right: Right): Visible {
  if (scopes === null) return true
  const found = scopes.filter(s => covers(s, type, right))
  if (found.length === 0) return false
  return found.some(s => s.query.length === 0) ? true : found.map(s => s.query)
}

export const denied = (type: string): KeepwellError => new KeepwellError('DENIED', `The token’s scopes do not allow that with ${type}.`)

/** Throws DENIED where a right is missing altogether; what is left of it is judged by resource. */
export function demand(actor: Actor, type: string, right: Right): Visible {
  const visible = granted(actor, type, right)
  if (visible === false) throw denied(type)
  return visible
}

/** What a search may find, include and chain through. */
export const visibleTo =
  (actor: Actor, right: Right = 's') =>
  (type: string): Visible =>
    granted(actor, type, right)

/** Whether a version is one that the actor has the right to. */
export function mayTouch(actor: Actor, store: Store, version: Version, right: Right, now: number): boolean {
  const visible = granted(actor, version.type, right)
  if (typeof visible === 'boolean') return visible
  return visible.some(params => matches(store, version, { params, now }))
}
