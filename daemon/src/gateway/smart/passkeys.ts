import { fromBase64Url, toBase64Url, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { changeStaff, isOut, type Passkey, type Staff, type StaffStore, staffById } from './staff.ts'

/** Where passkeys are made and used: the gateway's own origin. */
export type Site = { readonly origin: string; readonly name: string }

const CHALLENGE_SECONDS = 300
const rpIdOf = (site: Site): string => new URL(site.origin).hostname

/** What a browser needs to make a passkey. The person is verified by the device itself, so that it is two factors in one. */
export async function passkeyOffer(store: StaffStore, site: Site, staff: Staff) {
  const options = await generateRegistrationOptions({
    rpName: site.name,
    rpID: rpIdOf(site),
    userName: staff.login,
    userID: utf8(staff.id).slice(),
    userDisplayName: staff.name,
    challenge: store.random(32).slice(),
    attestationType: 'none',
    excludeCredentials: staff.passkeys.map(p => ({ id: p.id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: [-8, -7, -257],
  })
  await store.tokens.put('challenge', options.challenge, staff.id, { expires: store.clock() + CHALLENGE_SECONDS })
  return options
}

/** Throws BAD_INPUT for anything but an answer to a challenge made for this person. */
export async function passkeyMade(store: StaffStore, site: Site, input: { staff: Staff; response: unknown }): Promise<Passkey> {
  const challenge = await takenChallenge(store, input.response)
  ensure(challenge?.staff === input.staff.id, 'BAD_INPUT', 'That passkey was not asked for.')
  const verified = await verifyRegistrationResponse({
    response: input.response as RegistrationResponseJSON,
    expectedChallenge: challenge.text,
    expectedOrigin: site.origin,
    expectedRPID: rpIdOf(site),
    requireUserVerification: true,
    supportedAlgorithmIDs: [-8, -7, -257],
  }).catch(refused)
  ensure(verified.verified, 'BAD_INPUT', 'That passkey does not verify.')
  const { id, publicKey, counter, transports } = verified.registrationInfo.credential
  const passkey = { id, key: toBase64Url(publicKey), counter, transports: transports ?? [] }
  ensure(await store.tokens.add('passkey', id, input.staff.id), 'BAD_INPUT', 'That passkey is in use already.')
  return passkey
}

/** A challenge that any passkey of this site may answer. */
export async function passkeyQuestion(store: StaffStore, site: Site) {
  const options = await generateAuthenticationOptions({
    rpID: rpIdOf(site),
    userVerification: 'required',
    challenge: store.random(32).slice(),
  })
  await store.tokens.put('challenge', options.challenge, '', { expires: store.clock() + CHALLENGE_SECONDS })
  return options
}

/** Who answered; null for nobody who may come in. A challenge counts once. */
export async function passkeyAnswered(store: StaffStore, site: Site, response: unknown): Promise<Staff | null> {
  const challenge = await takenChallenge(store, response)
  if (challenge?.staff !== '') return null
  const answer = response as AuthenticationResponseJSON
  const owner = typeof answer.id === 'string' ? (await store.tokens.get<string>('passkey', answer.id))?.value : undefined
  const staff = owner ? await staffById(store, owner) : null
  const passkey = staff?.passkeys.find(p => p.id === answer.id)
  if (!staff || !passkey || isOut(staff, store.clock())) return null
  const verified = await verifyAuthenticationResponse({
    response: answer,
    expectedChallenge: challenge.text,
    expectedOrigin: site.origin,
    expectedRPID: rpIdOf(site),
    credential: { id: passkey.id, publicKey: fromBase64Url(passkey.key).slice(), counter: passkey.counter },
    requireUserVerification: true,
  }).catch(() => null)
  if (!verified?.verified) return null
  const counter = verified.authenticationInfo.newCounter
  return changeStaff(store, staff.id, s => ({ ...s, passkeys: s.passkeys.map(p => (p.id === passkey.id ? { ...p, counter } : p)) }))
}

async function takenChallenge(store: StaffStore, response: unknown): Promise<{ text: string; staff: string } | null> {
  const text = challengeOf(response)
  const staff = text ? await store.tokens.take<string>('challenge', text) : null
  return text && staff !== null ? { text, staff } : null
}

function challengeOf(response: unknown): string | null {
  try {
    const data = (response as AuthenticationResponseJSON).response.clientDataJSON
    const { challenge } = JSON.parse(new TextDecoder().decode(fromBase64Url(data))) as { challenge?: unknown }
    return typeof challenge === 'string' && challenge.length < 200 ? challenge : null
  } catch {
    return null
  }
}

function refused(cause: unknown): never {
  throw new KeepwellError('BAD_INPUT', 'That passkey does not verify.', { cause })
}
