import { ROLES, type RoleName } from '@keepwell/sdk/consent/roles'
import { narrowed, parseScopes, type Scope } from '@keepwell/sdk/health/smart/scope'

/** What is left of the scopes an app asks for when a person of this role grants them. */
export function underRole(asked: Scope, role: RoleName): Scope[] {
  const parts = parseScopes(ROLES[role].scopes).flatMap(limit => narrowed(asked, limit) ?? [])
  // `user/*.rs user/Observation.cu` over `patient/*.cruds` gives both; over `patient/Observation.r` once is enough.
  const known = new Set<string>()
  return parts.filter(part => {
    const key = JSON.stringify(part)
    if (known.has(key)) return false
    known.add(key)
    return true
  })
}
