import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { type RandomBytes, toBase64Url, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { isRole, type RoleName } from '@keepwell/sdk/consent/roles'

export type Passkey = { readonly id: string; readonly key: string; readonly counter: number; readonly transports: readonly string[] }

/** A person of the organisation who may log in. Secrets in here are sealed with the rest of the store. */
export type Staff = {
  /** Opaque; `sub` of tokens, and part of the Practitioner's logical id. */
  readonly id: string
  readonly login: string
  readonly name: string
  readonly role: RoleName
  readonly suspended: boolean
  readonly created: number
  /** Argon2id with its parameters, base64url. */
  readonly passphrase: ({ readonly salt: string; readonly hash: string } & Argon2Cost) | null
  /** RFC 6238 secret in base32, and the last time step that was used. */
  readonly totp: { readonly secret: string; readonly last: number } | null
  /** SHA-256 in hex of codes that are left. */
  readonly recovery: readonly string[]
  readonly passkeys: readonly Passkey[]
}

export type Argon2Cost = { readonly memoryKiB: number; readonly passes: number; readonly lanes: number }

export type StaffStore = {
  readonly tokens: Tokens
  readonly random: RandomBytes
  readonly clock: () => number
  /** Of passphrases to be set; those that are set carry their own. */
  readonly cost?: Argon2Cost
}

const LOGIN = /^[a-z0-9][a-z0-9._-]{1,39}$/
const INVITE_SECONDS = 7 * 24 * 3600

export type NewStaff = { readonly login: string; readonly name: string; readonly role: string }

/** Adds a person and gives the code with which they set up their login, once, within a week. Throws BAD_INPUT. */
export async function addStaff(store: StaffStore, { login, name, role }: NewStaff): Promise<{ staff: Staff; code: string }> {
  ensure(LOGIN.test(login), 'BAD_INPUT', 'A login has 2 to 40 of a–z, 0–9, dot, dash and underscore.')
  ensure(name.trim().length > 0 && name.length <= 120, 'BAD_INPUT', 'A name has 1 to 120 characters.')
  ensure(isRole(role), 'BAD_INPUT', 'There is no such role.')
  const id = toHex(store.random(10))
  const staff: Staff = {
    id,
    login,
    name: name.trim(),
    role,
    suspended: false,
    created: store.clock(),
    passphrase: null,
    totp: null,
    recovery: [],
    passkeys: [],
  }
  ensure(await store.tokens.add('login', login, id), 'BAD_INPUT', 'That login is taken.')
  await store.tokens.put('staff', id, staff)
  return { staff, code: await inviteStaff(store, id) }
}

/** A new code for somebody who lost their passkey or passphrase; setting up again replaces what there was. */
export async function inviteStaff({ tokens, random, clock }: StaffStore, id: string): Promise<string> {
  const code = toBase64Url(random(15))
  await tokens.put('invite', code, id, { expires: clock() + INVITE_SECONDS })
  return code
}

export const listStaff = async ({ tokens }: Pick<StaffStore, 'tokens'>): Promise<Staff[]> =>
  (await tokens.list<Staff>('staff')).sort((a, b) => (a.login < b.login ? -1 : 1))

export const staffById = async ({ tokens }: Pick<StaffStore, 'tokens'>, id: string): Promise<Staff | null> =>
  (await tokens.get<Staff>('staff', id))?.value ?? null

export async function staffByLogin(store: Pick<StaffStore, 'tokens'>, login: string): Promise<Staff | null> {
  const id = (await store.tokens.get<string>('login', login))?.value
  return id ? staffById(store, id) : null
}

/** Suspends or lets back in; every token of the person counts for nothing while it lasts. Throws NOT_FOUND. */
export async function suspendStaff(store: StaffStore, login: string, suspended: boolean): Promise<Staff> {
  const found = await staffByLogin(store, login)
  ensure(found, 'NOT_FOUND', 'There is nobody with that login.')
  return changeStaff(store, found.id, staff => ({ ...staff, suspended }))
}

export async function changeStaff({ tokens }: Pick<StaffStore, 'tokens'>, id: string, change: (staff: Staff) => Staff): Promise<Staff> {
  const changed = await tokens.change<Staff>('staff', id, staff => staff && change(staff))
  ensure(changed, 'NOT_FOUND', 'There is no such person.')
  return changed
}

/** Whether the person has set up a way to log in. */
export const isReady = (staff: Staff): boolean => staff.passkeys.length > 0 || (staff.passphrase !== null && staff.totp !== null)

/** The natural person as receipts name them. */
export const personOf = (staff: Staff): string => `${staff.name} (${staff.login})`.slice(0, 200)

/** Logical ids of the organisation's own people, apart from practitioners in patients' records. */
export const STAFF_PREFIX = 'staff-'
export const practitionerUrl = (fhir: string, id: string): string => `${fhir}/Practitioner/${STAFF_PREFIX}${id}`

/** The person as FHIR knows them: what `fhirUser` leads to. */
export const practitionerOf = (staff: Staff) => ({
  resourceType: 'Practitioner' as const,
  id: `${STAFF_PREFIX}${staff.id}`,
  active: !staff.suspended,
  name: [{ text: staff.name }],
})
