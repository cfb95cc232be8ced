import type { Ctx, Progress } from '#actions/context'
import { exportBundle } from '#actions/records/export-bundle'
import { summarise } from '#actions/records/summarise'
import { callRelay, homeRelay } from '#actions/vault/calls'
import { concat, toBase64Url, utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { sealJwe } from '#crypto/jwe'
import type { Entry } from '#records/catalog'
import { type LinkType, MAX_LINK_BYTES, passcodeHash } from '#wire/link'
import { ROUTES } from '#wire/routes'
import { encodeShLink } from '#wire/shlink'
import { sealNote } from './link-note.ts'

type Sharing = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

/** What a reader of the link gets. */
export type LinkContent = {
  /** Whose International Patient Summary is given; empty for none. */
  readonly summary: readonly Entry[]
  /** Records as they are, as one Bundle. */
  readonly records: readonly Entry[]
  /** SMART Health Cards, as signed texts. */
  readonly cards?: readonly string[]
}

export type ShareLink = LinkContent & {
  /** For the reader: whose it is, and what. At most 80 characters. */
  readonly label: string
  /** Unix seconds, at most a year ahead. */
  readonly expiry: number
  readonly passcode?: string
  /** Wrong passcodes in the link's whole life; default 5. */
  readonly attempts?: number
  /** Its content may be renewed. */
  readonly lasting?: boolean
  readonly progress?: Progress
}

export type SharedLink = { readonly id: Uint8Array; readonly link: string; readonly expiry: number; readonly bytes: number }

type Plain = { readonly type: LinkType; readonly body: Uint8Array }

async function filesOf(ctx: Sharing, { summary, records, cards = [] }: LinkContent, progress: Progress): Promise<Plain[]> {
  const files: Plain[] = []
  const fhir = (body: Uint8Array): void => void files.push({ type: 'application/fhir+json', body })
  if (summary.length) fhir(utf8(JSON.stringify(await summarise(ctx, summary, progress))))
  if (records.length) {
    const parts: Uint8Array[] = []
    let size = 0
    for await (const part of exportBundle(ctx, records, progress)) {
      size += part.length
      ensure(size <= 4 * MAX_LINK_BYTES, 'TOO_LARGE', 'These records are too large for a link; share fewer of them.')
      parts.push(part.slice())
    }
    fhir(concat(...parts))
  }
  if (cards.length) files.push({ type: 'application/smart-health-card', body: utf8(JSON.stringify({ verifiableCredential: cards })) })
  ensure(files.length, 'BAD_INPUT', 'Choose what the link is to show.')
  return files
}

export async function sealedFiles(ctx: Sharing, content: LinkContent, key: Uint8Array, progress: Progress = () => {}) {
  const plain = await filesOf(ctx, content, progress)
  const files = await Promise.all(plain.map(async f => ({ type: f.type, body: utf8(await sealJwe({ key, ...f, random: ctx.random })) })))
  ensure(files.reduce((n, f) => n + f.body.length, 0) <= MAX_LINK_BYTES, 'TOO_LARGE', 'That is too much for a link; share fewer records.')
  return files
}

/**
 * Shares without an account (protocol §12): whoever has the link, and the passcode when there is one, reads what was chosen until the time that was
 * said. The key is in the link and nowhere else; the home relay holds sealed files, and counts openings. Unlike a consent it leaves no receipt with a
 * name, and whoever passes the link on passes the reading on.
 */
export async function shareLink(ctx: Sharing, input: ShareLink): Promise<SharedLink> {
  const { label, expiry, passcode, attempts = 5, lasting = false, progress } = input
  ensure(expiry > ctx.clock(), 'BAD_INPUT', 'A link ends in the future.')
  ensure(passcode === undefined || passcode.length >= 4, 'BAD_INPUT', 'A passcode has at least 4 characters.')
  const [id, key] = [ctx.random(32), ctx.random(32)]
  const files = await sealedFiles(ctx, input, key, progress)
  const relay = await homeRelay(ctx)
  const url = `${relay.url}${ROUTES.link.path.replace('{id}', toBase64Url(id))}`
  const link = encodeShLink({ url, key, passcode: passcode !== undefined, lasting, direct: false, expiry, ...(label ? { label } : {}) })
  const salt = ctx.random(16)
  const verifier = passcode === undefined ? null : { salt, hash: passcodeHash(salt, passcode) }
  const note = await sealNote(ctx, id, { link, label })
  await callRelay(ctx, relay, 'put-link', { id, files, direct: false, lasting, expiry, attempts, verifier, note })
  return { id, link, expiry, bytes: files.reduce((n, f) => n + f.body.length, 0) }
}
