import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { SECURITY_HEADERS } from '@keepwell/daemon/http/headers'
import { PAGE_HEADERS, TYPES } from '@keepwell/daemon/http/static'
import { fromHex, toBase64Url, toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { dualSign, type SigningSecret, signingPublic } from '@keepwell/sdk/crypto/sign'
import { type Release, releaseBytes, releaseJson, releaseKeyName } from '../src/guard/release.ts'

const NOT_FILES = new Set(['release.json', 'release.sig'])
/** Their meaning depends on the answer they come with, and the guard gives its own. */
const { 'cache-control': _, ...ALWAYS } = SECURITY_HEADERS

/** Every file of a built app, by its path, with what it hashes to. */
function filesOf(dir: string): Release['files'] {
  const below = readdirSync(dir, { recursive: true, encoding: 'utf8' }).map(p => p.replaceAll('\\', '/'))
  return below
    .filter(path => !NOT_FILES.has(path) && statSync(join(dir, path)).isFile())
    .map(path => {
      const bytes = readFileSync(join(dir, path))
      return { path, sha256: toHex(sha256(bytes)), size: bytes.length, type: TYPES[extname(path)] ?? 'application/octet-stream' }
    })
}

export type Signing = {
  readonly version: string
  readonly number: (contents: string) => number
  /** The key in force from this release on; then those it takes over from. */
  readonly keys: readonly SigningSecret[]
}

/** Writes `release.json` and `release.sig` beside the files of a built app. Returns the name of the key in force. */
export async function signRelease(dir: string, { version, number, keys }: Signing): Promise<string> {
  const files = filesOf(dir)
  const headers = { ...ALWAYS, ...PAGE_HEADERS }
  const contents = toHex(sha256(releaseJson({ v: 1, version, number: 1, headers, files })))
  const json = releaseJson({ v: 1, version, number: number(contents), headers, files })
  const inForce = releaseKeyName(await signingPublic(keys[0]!))
  const signatures = []
  for (const key of keys) {
    const signer = await signingPublic(key)
    const made = await dualSign(key, releaseBytes(inForce, json))
    signatures.push({ signer: coded(signer), ...coded(made) })
  }
  writeFileSync(join(dir, 'release.json'), json)
  writeFileSync(join(dir, 'release.sig'), `${JSON.stringify({ v: 1, signatures }, null, 1)}\n`)
  return inForce
}

const coded = (p: { readonly ed25519: Uint8Array; readonly mldsa65: Uint8Array }) => ({
  ed25519: toBase64Url(p.ed25519),
  mldsa65: toBase64Url(p.mldsa65),
})

type KeyFile = {
  readonly ed25519: string
  readonly mldsa65: string
  readonly last?: { readonly number: number; readonly contents: string }
}

const secretOf = (f: KeyFile): SigningSecret => ({ ed25519: fromHex(f.ed25519), mldsa65: fromHex(f.mldsa65) })

function readKey(path: string): KeyFile | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as KeyFile
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new KeepwellError('BAD_INPUT', `${path} is no release key.`, { cause })
  }
}

/** A home that builds for itself has a key of its own, made with the first build. */
function makeKey(path: string): KeyFile {
  const made: KeyFile = { ed25519: randomBytes(32).toString('hex'), mldsa65: randomBytes(32).toString('hex') }
  try {
    writeFileSync(path, JSON.stringify(made), { mode: 0o600, flag: 'wx' })
    return made
  } catch (cause) {
    // Another build was first.
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    return readKey(path) ?? made
  }
}

/** Seconds of the commit that is built: the same for whoever builds it. */
function commitTime(dir: string): number {
  try {
    return (
      Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) || 1
    )
  } catch {
    return 1
  }
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * The keys and the number of a build. KEEPWELL_RELEASE_KEY names the makers' key file, or several, the new one first; else the home's own
 * in `root`. The number is KEEPWELL_RELEASE_NUMBER, else the time of the commit; a home that builds changed sources without a commit counts on.
 */
export function signingFor(root: string, version: string, env: Env): Signing {
  const given = env.KEEPWELL_RELEASE_KEY?.split(',')
  const fixed = Number(env.KEEPWELL_RELEASE_NUMBER) || null
  if (given) {
    const files = given.map(path => readKey(path) ?? absent(path))
    return { version, keys: files.map(secretOf), number: () => fixed ?? commitTime(root) }
  }
  const path = join(root, '.release-key')
  const own = readKey(path) ?? makeKey(path)
  return {
    version,
    keys: [secretOf(own)],
    number(contents) {
      const { last } = own
      if (last?.contents === contents) return last.number
      const number = fixed ?? Math.max(commitTime(root), (last?.number ?? 0) + 1)
      writeFileSync(path, JSON.stringify({ ...own, last: { number, contents } }), { mode: 0o600 })
      return number
    },
  }
}

const absent = (path: string): never => {
  throw new KeepwellError('BAD_INPUT', `There is no release key at ${path}.`)
}
