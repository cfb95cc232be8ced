import { RemoteError } from '#rpc/rpc.ts'

/** A passkey's answer to a salt (WebAuthn Level 3 §10.1.4): 32 bytes that only this passkey gives, on this site alone. */
export type PasskeyAnswer = {
  readonly kind: 'passkey'
  readonly credential: Uint8Array
  readonly salt: Uint8Array
  readonly secret: Uint8Array
}

const bytes = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length))
const copy = (b: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(b)

type PrfResults = { readonly prf?: { readonly enabled?: boolean; readonly results?: { readonly first?: ArrayBuffer } } }

/** Whether this page may use passkeys; a numeric address may not (its name is no domain). */
export const passkeysHere = (): 'yes' | 'address' | 'no' =>
  !window.isSecureContext || !('credentials' in navigator) || typeof PublicKeyCredential === 'undefined'
    ? 'no'
    : /^[\d.]+$|^\[/.test(location.hostname)
      ? 'address'
      : 'yes'

/** Makes a passkey for this record. Throws NOT_SUPPORTED when it cannot protect keys, CANCELLED when the person turns it down. */
export async function makePasskey(name: string): Promise<PasskeyAnswer> {
  const salt = bytes(32)
  const made = await asked(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { id: location.hostname, name: 'Keepwell' },
        user: { id: bytes(16), name, displayName: name },
        challenge: bytes(32),
        pubKeyCredParams: [
          { type: 'public-key', alg: -7 },
          { type: 'public-key', alg: -257 },
        ],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  )
  const credential = new Uint8Array(made.rawId)
  const { prf } = made.getClientExtensionResults() as PrfResults
  if (prf?.results?.first) return { kind: 'passkey', credential, salt, secret: new Uint8Array(prf.results.first) }
  if (!prf?.enabled) throw new RemoteError('NOT_SUPPORTED', 'This passkey cannot protect keys.')
  return askPasskey({ credential, salt })
}

type Known = Pick<PasskeyAnswer, 'credential' | 'salt'>

/** Asks a passkey for its answer again. */
export const askPasskey = (known: Known): Promise<PasskeyAnswer> => askAnyPasskey([{ kind: 'passkey', ...known }])

/** Asks for any of the passkeys among locks; each is asked with a salt of its own, and the person's device chooses. */
export async function askAnyPasskey(
  locks: readonly (({ readonly kind: 'passkey' } & Known) | { readonly kind: 'passphrase' })[],
): Promise<PasskeyAnswer> {
  const known = locks.filter(l => l.kind === 'passkey')
  const found = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: bytes(32),
        allowCredentials: known.map(k => ({ type: 'public-key', id: copy(k.credential) })),
        userVerification: 'required',
        extensions: {
          prf: { evalByCredential: Object.fromEntries(known.map(k => [base64Url(k.credential), { first: copy(k.salt) }])) },
        },
      },
    }),
  )
  const first = (found.getClientExtensionResults() as PrfResults).prf?.results?.first
  const used = known.find(k => base64Url(k.credential) === base64Url(new Uint8Array(found.rawId)))
  if (!first || !used) throw new RemoteError('NOT_SUPPORTED', 'This passkey cannot protect keys.')
  return { kind: 'passkey', credential: used.credential, salt: used.salt, secret: new Uint8Array(first) }
}

const base64Url = (b: Uint8Array): string =>
  btoa(String.fromCharCode(...b))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

async function asked(work: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const found = await work()
    if (found) return found as PublicKeyCredential
  } catch (error) {
    const name = (error as { name?: string }).name
    if (name === 'NotSupportedError' || name === 'SecurityError') throw new RemoteError('NOT_SUPPORTED', 'Passkeys do not work here.')
  }
  throw new RemoteError('CANCELLED', 'No passkey was used.')
}
