import { join } from 'node:path'
import { readPersons } from '#gateway/core/persons'
import { readRoleRules } from '#gateway/core/role-rules'
import { keptFile } from './kept-file.ts'

export const roleFile = (dir: string): string => join(dir, 'gateway-roles.json')
export const personFile = (dir: string): string => join(dir, 'gateway-persons.json')

/** The organisation's rules of roles. */
export const roleRulesAt = (dir: string, failed: (code: string) => void) => keptFile(roleFile(dir), readRoleRules, failed)

/** Which records the organisation found to be of one person. */
export const personsAt = (dir: string, failed: (code: string) => void) => keptFile(personFile(dir), readPersons, failed)
