import { parseScopes } from './scope.ts'

/** What is asked for: the patient's own data type by type, never more than reading (SMART App Launch 2.2 §scopes). */
export function scopesToAsk(types: readonly string[], { v2, offline }: { readonly v2: boolean; readonly offline: boolean | null }): string {
  const access = v2 ? 'rs' : 'read'
  return ['launch/patient', ...(offline === false ? [] : ['offline_access']), ...types.map(t => `patient/${t}.${access}`)].join(' ')
}

export type Granted =
  | 'all'
  /** Only those that meet the search arguments of the scopes. */
  | 'some'
  | 'none'

/** Whether what was granted lets a type be searched (or read). */
export function grantedFor(scope: string, type: string, letter: 'r' | 's' = 's'): Granted {
  const found = parseScopes(scope).filter(s => s.context !== 'system' && (s.type === '*' || s.type === type) && s[letter])
  if (found.length === 0) return 'none'
  return found.some(s => s.query.length === 0) ? 'all' : 'some'
}
