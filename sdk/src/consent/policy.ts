import { encode } from '#base/cbor'
import { type Cid, rawCid } from '#base/cid'
import { COMPARTMENTS, isSensitive } from '#base/compartments'
import { decodeAs, type Infer, int, list, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { ROLES } from './roles.ts'
import { LEVELS, PURPOSES, type Purpose } from './terms.ts'

/** Parts of a record as policies know them: those every vault begins with, `own` for any that a patient made, `named` for records given one by one. */
export const PARTS = [...COMPARTMENTS, 'own', 'named'] as const
export type Part = (typeof PARTS)[number]
export const partOf = (name: string): Part => COMPARTMENTS.find(c => c === name) ?? 'own'

/** Roles of an organisation's people; `system` is a program of its own, `other` whoever bears a role that is none of the table's. */
export const ACTORS = [...(Object.keys(ROLES) as (keyof typeof ROLES)[]), 'system', 'other'] as const
export type PolicyRole = (typeof ACTORS)[number]
export const policyRole = (role: string): PolicyRole => ACTORS.find(r => r === role) ?? 'other'

/** Whose record it is, and whoever acts for them. They read and write by their own right; policies see them where they give a consent. */
export const HOLDERS = ['owner', 'proxy'] as const

/** What a policy is asked about, one part and one purpose at a time. Names, DIDs and content are no part of it: none can be singled out. */
export type PolicyRequest = {
  readonly by: { readonly role: PolicyRole } | { readonly vault: (typeof HOLDERS)[number] }
  readonly part: Part
  readonly purpose: Purpose
} & (
  | { readonly action: 'read' | 'write' | 'export' }
  /** `days`: how long the consent will last, rounded up. `standing`: a standing rule gives it, and nobody was asked. */
  | {
      readonly action: 'grant'
      readonly consent: { readonly level: (typeof LEVELS)[number]; readonly days: number; readonly standing: boolean }
    }
)

const among = (names: readonly string[]): string => `enum [${names.map(n => `"${n}"`).join(', ')}]`

/** The Cedar schema of bundles of version 1 (protocol §6). What is not in it, no policy can ask about. */
export const SCHEMA = `entity Role ${among(ACTORS)};
entity Vault ${among(HOLDERS)};
entity Part ${among(PARTS)};
entity Purpose ${among(PURPOSES)};
entity Level ${among(LEVELS)};
action "read", "write", "export" appliesTo { principal: [Role, Vault], resource: [Part], context: { purpose: Purpose, sensitive: Bool } };
action "grant" appliesTo { principal: [Vault], resource: [Part], context: { purpose: Purpose, sensitive: Bool, level: Level, days: Long, standing: Bool } };
`

/** Policies are Cedar texts, each with its name (`@id`) and what it says to people, by language (`@en`, `@de` …). `name` is the version in people's words. */
export const policyBundle = object({
  v: int(1, 1),
  name: string(80),
  schema: string(8192),
  policies: list(string(8192), 64),
})
export type PolicyBundle = Infer<typeof policyBundle>

/** Bytes of a bundle as it travels. */
export const MAX_BUNDLE = 1 << 18

export const encodePolicies = (b: PolicyBundle): Uint8Array => encode(b)
export const decodePolicies = (bytes: Uint8Array): PolicyBundle => decodeAs(policyBundle, bytes)
/** What the ledger names: SHA-256 of the bundle. */
export const policyHash = (bytes: Uint8Array): Uint8Array => sha256(bytes)
export const policyCid = (hash: Uint8Array): Cid => rawCid(hash)

/** What policies say to one request: the bundle by its address, and those that forbid, by name. */
export type PolicyVerdict = { readonly policy: Cid; readonly forbids: readonly string[] }

/** For emergencies, and on the patient's or the family's own wish, no policy counts, whatever it says. */
const BEYOND: readonly Purpose[] = ['ETREAT', 'PATRQT', 'FAMRQT']
export const beyondPolicy = (purpose: Purpose): boolean => BEYOND.includes(purpose)

/** Whether a role's work has that purpose; what bears no role of the table may have any. */
export const serves = (role: PolicyRole, purpose: Purpose): boolean =>
  role === 'system' || role === 'other' || ROLES[role].purposes.some(p => p === purpose)

/**
 * Whether a policy is asked at all: not about whoever holds the record, nor for what is beyond it, nor about reading and writing the ordinary parts of a live
 * consent by a role that serves its purpose. There the consent decides. The floor (`policy-floor.ts`) refuses a bundle that says otherwise; this makes sure.
 */
export function withinReach({ by, action, part, purpose }: PolicyRequest): boolean {
  if (beyondPolicy(purpose)) return false
  if (action === 'grant') return true
  return 'role' in by && (action === 'export' || isSensitive(part) || !serves(by.role, purpose))
}
