import { concat, fromBase64Url, text, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { dictionary, type Infer, int, list, object, oneOf, string } from '@keepwell/sdk/base/shape'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { type DualSignature, dualVerify, type SigningPublic } from '@keepwell/sdk/crypto/sign'

/** A release as `release.json` names it: every file of the app, and the headers it is served with (protocol §10). */
export const release = object({
  v: oneOf(1),
  version: string(40),
  /** Only rises: an older release never replaces a newer one. */
  number: int(1),
  headers: dictionary(string(4000), 20),
  files: list(
    object({
      path: string(300, /^[\w@.-]+(\/[\w@.-]+)*$/),
      sha256: string(64, /^[0-9a-f]{64}$/),
      size: int(),
      type: string(100),
    }),
    10_000,
  ),
})
export type Release = Infer<typeof release>

const base64Url = string(5000, /^[\w-]+$/)
const key = object({ ed25519: base64Url, mldsa65: base64Url })
/** `release.sig`: by the key in force first, then by those it takes over from. */
const signatures = object({ v: oneOf(1), signatures: list(object({ signer: key, ed25519: base64Url, mldsa65: base64Url }), 4) })

/** Names a release key: SHA-256 over both public halves, in hex. */
export const releaseKeyName = (k: SigningPublic): string => toHex(sha256(concat(k.ed25519, k.mldsa65)))

/** What is signed: the release's very bytes, and the key that is in force from it on. */
export const releaseBytes = (keyName: string, json: Uint8Array): Uint8Array => encode(['keepwell/v1', 'release', keyName, json])

/** A release whose signatures hold. */
export type Signed = {
  readonly release: Release
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string
  /** The key in force from it on. */
  readonly key: string
}

type Files = { readonly json: Uint8Array; readonly sig: Uint8Array }

/** Throws BAD_SIGNATURE unless the key in force signed it, and `pinned` too when there is one; BAD_INPUT for what is no release. */
export async function openRelease({ json, sig }: Files, pinned: string | null): Promise<Signed> {
  const { signatures: list } = signatures.check(parse(sig), 'release.sig')
  const signed = list.map(s => ({ signer: pairOf(s.signer), signature: pairOf(s) }))
  const [first] = signed
  ensure(first, 'BAD_SIGNATURE', 'Nobody signed this release.')
  const inForce = releaseKeyName(first.signer)
  const trusted = pinned === null ? first : signed.find(s => releaseKeyName(s.signer) === pinned)
  ensure(trusted, 'UNVERIFIED', 'Others signed this release.')
  const message = releaseBytes(inForce, json)
  for (const { signer, signature } of new Set([first, trusted]))
    ensure(await dualVerify(signer, message, signature), 'BAD_SIGNATURE', 'A signature of this release does not hold.')
  return { release: release.check(parse(json), 'release.json'), digest: toHex(sha256(json)), key: inForce }
}

const pairOf = (p: { readonly ed25519: string; readonly mldsa65: string }): SigningPublic & DualSignature => ({
  ed25519: fromBase64Url(p.ed25519),
  mldsa65: fromBase64Url(p.mldsa65),
})

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text(bytes))
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'That is no release.', { cause })
  }
}

/** The bytes of `release.json`: one form, so that whoever builds the same sources writes the same file. */
export const releaseJson = (r: Release): Uint8Array =>
  utf8(`${JSON.stringify({ ...r, files: r.files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }, null, 1)}\n`)
