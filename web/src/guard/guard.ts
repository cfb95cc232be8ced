import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { GuardOffer, GuardStatus } from '#rpc/guard.ts'
import { judge, type Verdict } from './judge.ts'
import type { Release } from './release.ts'
import { type Asked, routeOf } from './route.ts'
import { type Bytes, digestOf, type Installed, releasesOf, type Store } from './store.ts'

type File = Release['files'][number]
type Fetch = (path: string) => Promise<Response>

/** What the app is looked at for every time: the page, and the guard itself. */
const ALWAYS = ['index.html', 'sw.js']
/** Taken when they are first asked for, and from then on with each release: few documents need one, few places have policies, and together they are megabytes. */
export const SELDOM = /^pdf\/cmaps\/|^assets\/(jpegxl|cedar)/

/**
 * Keeps the app as its makers signed it. Files come from the store, hashed again; the network is asked for a file that is missing, and for
 * a newer release, and whatever it gives counts only when it is what was signed.
 */
export function openGuard({ store, fetch, origin }: { readonly store: Store; readonly fetch: Fetch; readonly origin: string }) {
  let known: Promise<Installed | null> | null = null
  const installed = (): Promise<Installed | null> => (known ??= store.installed())
  let refusal: GuardOffer | null = null
  let ready = false

  /** A file as it was signed, from here or from the network. Throws BAD_SIGNATURE for any other, RELAY_UNREACHABLE. */
  async function signedFile(file: File): Promise<Bytes> {
    const here = await store.file(file)
    if (here) return here
    const bytes = await fetched(fetch, file.path)
    if ((await digestOf(bytes)) !== file.sha256) throw new KeepwellError('BAD_SIGNATURE', file.path)
    await store.keep(file, bytes)
    return bytes
  }

  async function offered() {
    const [json, sig] = await Promise.all([fetched(fetch, 'release.json'), fetched(fetch, 'release.sig')])
    return { json, sig }
  }

  async function take({ signed }: Extract<Verdict, { kind: 'newer' }>): Promise<void> {
    const before = (await installed())?.signed.release ?? null
    // Few at a time: the relay is somebody's small machine.
    const used = await usedSeldom(store, before)
    const waiting = signed.release.files.filter(f => f.path !== 'sw.js' && (!SELDOM.test(f.path) || used.has(plainName(f.path))))
    await Promise.all(
      [0, 1, 2, 3].map(async () => {
        for (let file = waiting.shift(); file; file = waiting.shift()) await signedFile(file)
      }),
    )
    await store.install({ signed, before })
    known = null
    ready = before !== null
  }

  /** Looks whether a newer release is offered and takes it. Throws RELAY_UNREACHABLE. */
  async function look(): Promise<void> {
    const here = await installed()
    const verdict = await judge(here?.signed ?? null, await offered())
    if (verdict.kind === 'refused') refusal = verdict
    else if (verdict.kind === 'same') refusal = null
    else
      try {
        await take(verdict)
        refusal = null
      } catch (error) {
        if (!isKeepwellError(error, 'BAD_SIGNATURE')) throw error
        refusal = { why: 'altered', detail: error.message }
      }
  }

  /** Compares what is served now with what was signed. */
  async function audit(paths: readonly string[] | null): Promise<void> {
    const here = await installed()
    for (const file of here?.signed.release.files ?? []) {
      if (refusal || (paths && !paths.includes(file.path))) continue
      const bytes = await fetched(fetch, file.path).catch(error => {
        if (isKeepwellError(error, 'NOT_FOUND')) return null
        throw error
      })
      if (!bytes || (await digestOf(bytes)) !== file.sha256) refusal = { why: 'altered', detail: file.path }
    }
  }

  return {
    /** The first installation takes what it finds and remembers who signed it; without a signed release nothing is installed. */
    async install(): Promise<void> {
      if (await installed()) return
      await look()
      if (refusal) throw new KeepwellError('UNVERIFIED', refusal.detail)
    },
    /** Called when this guard begins to run: it is the one that the release in force names, as far as it can know. */
    async begin(): Promise<void> {
      const here = await installed()
      if (here) await store.keepGuard(guardIn(here.signed.release))
    },
    async status({ thorough = null }: { readonly thorough?: boolean | null } = {}): Promise<GuardStatus> {
      let reached = thorough !== null
      if (thorough !== null)
        try {
          await look()
          await audit(thorough ? null : ALWAYS)
        } catch {
          reached = false
        }
      const here = await installed()
      if (!here) throw new KeepwellError('NOT_FOUND', 'No release is installed.')
      const { release, key } = here.signed
      const running = await store.guard()
      return {
        version: release.version,
        number: release.number,
        key,
        reached,
        offer: refusal,
        ready,
        guardChanged: running !== guardIn(release),
      }
    },
    /** Takes makers that the person has compared: the release offered now becomes the one in force, whoever signed the last. */
    async trust(key: string): Promise<void> {
      const verdict = await judge(null, await offered())
      if (verdict.kind !== 'newer' || verdict.signed.key !== key) throw new KeepwellError('UNVERIFIED', 'Another key is offered now.')
      await take(verdict)
      refusal = null
    },
    /** The answer to a request that is not for data; null while nothing is installed. */
    async answer(asked: Asked): Promise<Response | null> {
      const here = await installed()
      if (!here) return null
      const route = routeOf(asked, origin, releasesOf(here))
      if (route.kind === 'refused') return refuse('This address is not part of the app.', 404)
      if (route.file.path === 'index.html') ready = false
      try {
        const bytes = await signedFile(route.file)
        return new Response(bytes, { headers: { ...here.signed.release.headers, 'content-type': route.file.type } })
      } catch (error) {
        const altered = isKeepwellError(error, 'BAD_SIGNATURE')
        if (altered) refusal = { why: 'altered', detail: error.message }
        return refuse(
          altered ? 'The app cannot be opened: a part of it was altered.' : 'A part of the app is missing, and there is no connection.',
        )
      }
    },
  }
}
export type Guard = ReturnType<typeof openGuard>

/** Names of files that few need and this device has needed: it will again, and perhaps without a connection. */
async function usedSeldom(store: Store, before: Release | null): Promise<Set<string>> {
  const used = new Set<string>()
  for (const file of before?.files ?? []) if (SELDOM.test(file.path) && (await store.file(file))) used.add(plainName(file.path))
  return used
}

/** A built file's name without what it hashes to, which changes with its content. */
const plainName = (path: string): string => path.replace(/-[\w-]{8}(?=\.\w+$)/, '')

const guardIn = (r: Release): string => r.files.find(f => f.path === 'sw.js')?.sha256 ?? ''

async function fetched(fetch: Fetch, path: string): Promise<Bytes> {
  let answer: Response
  try {
    answer = await fetch(`/${path}`)
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer())
  } catch (cause) {
    throw new KeepwellError('RELAY_UNREACHABLE', path, { cause })
  }
  throw new KeepwellError(answer.status === 404 ? 'NOT_FOUND' : 'RELAY_UNREACHABLE', path)
}

const refuse = (why: string, status = 502): Response =>
  new Response(why, {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "default-src 'none'",
      'x-content-type-options': 'nosniff',
    },
  })
