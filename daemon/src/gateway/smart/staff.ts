import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { type RandomBytes, toBase64Url, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { isRole, type RoleName } from '@keepwell/sdk/consent/roles'

export type Passkey = { readonly id: string; readonly key: string; readonly counter: number; readonly transports: readonly string[] }

/**
 * Somebody of another house, let in as an auditor for one thing: until when (Unix seconds), why, and which part of the trail they see. Days are UTC,
 * both included; `patients` are logical ids, null for entries about anybody.
 */
export type Guest = {
  readonly until: number
  readonly why: string
  readonly from: string | null
  readonly to: string | null
  readonly patients: readonly string[] | null
}

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
  readonly guest?: Guest
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

export type NewStaff = { readonly login: string; readonly name: string; readonly role: string; readonly guest?: Guest }

/** Adds a person and gives the code with which they set up their login, once, within a week. Throws BAD_INPUT. */
export async function addStaff(store: StaffStore, { login, name, role, guest }: NewStaff): Promise<{ staff: Staff; code: string }> {
  ensure(LOGIN.test(login), 'BAD_INPUT', 'A login has 2 to 40 of a–z, 0–9, dot, dash and underscore.')
  ensure(name.trim().length > 0 && name.length <= 120, 'BAD_INPUT', 'A name has 1 to 120 characters.')
  ensure(isRole(role), 'BAD_INPUT', 'There is no such role.')
  if (guest) checkGuest(guest, role, store.clock())
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
    ...(guest ? { guest } : {}),
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

const LONGEST_GUEST = 366 * 86_400

function checkGuest({ until, why, patients }: Guest, role: string, now: number): void {
  ensure(role === 'auditor', 'BAD_INPUT', 'Only an auditor may be let in for a time and a part of the trail.')
  ensure(until > now && until <= now + LONGEST_GUEST, 'BAD_INPUT', 'Somebody of another house is let in until a day within a year.')
  ensure(why.trim().length > 0 && why.length <= 200, 'BAD_INPUT', 'Say why, in 1 to 200 characters.')
  ensure(patients === null || (patients.length > 0 && patients.length <= 1000), 'BAD_INPUT', 'Name up to 1,000 patients, or none.')
}

/** Whether nothing of this person counts now: suspended, or their time is over. */
export const isOut = ({ suspended, guest }: Staff, now: number): boolean => suspended || (guest !== undefined && guest.until <= now)

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
