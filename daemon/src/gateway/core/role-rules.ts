import { dictionary, type Infer, jsonAs, list, nullable, object, oneOf, string } from '@keepwell/sdk/base/shape'
import { PURPOSES } from '@keepwell/sdk/consent/terms'

/** What an organisation says of a role by its name: for which purposes, in which parts of a record. Null: as the table of roles has it. */
const roleRule = object({ purposes: nullable(list(oneOf(...PURPOSES), 10)), parts: nullable(list(string(80), 64)) })
export type RoleRule = Infer<typeof roleRule>

/** By role, as people, apps and the organisation's systems name it; it only narrows what the table, the consent and policies leave. */
const roleRules = dictionary(roleRule, 64)
export type RoleRules = Readonly<Record<string, RoleRule>>

/** Throws BAD_INPUT for a file that is none: a rule that is not understood must not count for nothing. */
export function readRoleRules(bytes: Uint8Array | null): RoleRules {
  return bytes ? jsonAs(roleRules, bytes, 'roles') : NO_RULES
}

export const writeRoleRules = (rules: RoleRules): string => JSON.stringify(rules, null, 2)

export const NO_RULES: RoleRules = {}
