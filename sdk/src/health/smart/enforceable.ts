import { registry } from '#health/fhir/search/parameters'
import { table } from '#health/fhir/search/parameters.generated'
import type { Scope } from './scope.ts'

const known = registry(table)

/**
 * Whether a scope's search arguments can be enforced: each must be a token or reference parameter that the type has in R4 or US Core, for
 * those match exactly or not at all. Other scopes must not be granted. `*` has the parameters that every resource has.
 */
export function enforceable(scope: Scope): boolean {
  if (scope.type !== '*' && !known.isType(scope.type)) return false
  const parameters = known.of(scope.type === '*' ? 'Basic' : scope.type)
  return scope.query.every(([name]) => {
    const parameter = parameters.get(name)
    return (parameter?.type === 'token' || parameter?.type === 'reference') && (scope.type !== '*' || name.startsWith('_'))
  })
}
