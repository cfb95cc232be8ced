import { text } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { openJwe } from '#crypto/jwe'
import { type CardVerdict, cardsIn, verifyCard } from '#health/shc/card'
import { type IssuerKey, isRevoked, issuerKeys } from '#health/shc/jwk'
import type { Clock } from '#ports/clock'
import type { Web } from '#ports/web'
import { type Manifest, type ManifestFile, readManifest, readShLink, type ShLink } from '#wire/shlink'

export type Opening = { readonly web: Web; readonly clock: Clock }

export type OpenLink = {
  /** `shlink:/…`, with or without a viewer in front. */
  readonly link: string
  /** Who opens it, in words: the link's server may show it to the owner. */
  readonly recipient: string
  readonly passcode?: string
}

export type LinkedFile = { readonly type: string; readonly body: Uint8Array }
export type OpenedLink = {
  readonly label: string
  readonly files: readonly LinkedFile[]
  /** Seconds after which it may be asked again; null when nothing more comes. */
  readonly again: number | null
}

const MAX_FILE = 24 << 20
const MAX_TOTAL = 64 << 20
const JSON_TYPE = 'application/json'

/** A link that asks for a passcode, and how many tries are left when its server says so. */
export class PasscodeNeeded extends KeepwellError {
  readonly remaining: number | null
  constructor(remaining: number | null, given: boolean) {
    super('WRONG_PASSPHRASE', given ? 'That passcode is wrong.' : 'This link asks for a passcode.')
    this.remaining = remaining
  }
}

const gone = (): KeepwellError => new KeepwellError('GRANT_ENDED', 'This link has ended, or never was.')

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text(bytes))
  } catch {
    return null
  }
}

async function manifestOf(
  { web }: Opening,
  link: ShLink,
  { recipient, passcode }: OpenLink,
): Promise<{ manifest: Manifest; wait: number | null }> {
  const body = JSON.stringify({ recipient, ...(passcode === undefined ? {} : { passcode }), embeddedLengthMax: 1 << 20 })
  const answer = await web.ask(link.url, { method: 'POST', accept: JSON_TYPE, body, max: MAX_TOTAL })
  if (answer.status === 401) {
    const { remainingAttempts: left } = (parsed(answer.body) ?? {}) as { remainingAttempts?: unknown }
    throw new PasscodeNeeded(typeof left === 'number' ? left : null, passcode !== undefined)
  }
  if (answer.status === 404 || answer.status === 410) throw gone()
  if (answer.status === 429) throw new KeepwellError('RATE_LIMITED', 'The link is asked too often; wait a moment.')
  if (answer.status !== 200) throw new KeepwellError('PEER_FAILED', `The link’s server answers with status ${answer.status}.`)
  return { manifest: readManifest(parsed(answer.body)), wait: answer.retryAfter ?? null }
}

async function sealedOf({ web }: Opening, file: ManifestFile): Promise<string> {
  if (file.embedded !== undefined) return file.embedded
  return fetched(web, file.location!)
}

async function fetched(web: Web, url: string): Promise<string> {
  const answer = await web.ask(url, { accept: 'application/jose', max: MAX_FILE })
  if (answer.status === 404 || answer.status === 410) throw gone()
  if (answer.status !== 200) throw new KeepwellError('PEER_FAILED', `The link’s server answers with status ${answer.status}.`)
  return text(answer.body)
}

/**
 * Opens a link of anybody's (SMART Health Links): asks its server for what is behind it, and opens that with the key in the link. The key is
 * sent nowhere. Throws GRANT_ENDED, {@link PasscodeNeeded}, OPEN_FAILED for altered files, BAD_INPUT for what is no link.
 */
export async function openLink(ctx: Opening, input: OpenLink): Promise<OpenedLink> {
  const link = readShLink(input.link)
  if (link.expiry !== undefined && link.expiry <= ctx.clock()) throw gone()
  const { manifest, wait } = link.direct
    ? {
        manifest: {
          status: 'finalized',
          files: [{ type: '', embedded: await fetched(ctx.web, withRecipient(link.url, input.recipient)) }],
        } as Manifest,
        wait: null,
      }
    : await manifestOf(ctx, link, input)
  if (manifest.status === 'no-longer-valid') throw gone()
  const files: LinkedFile[] = []
  let total = 0
  for (const file of manifest.files) {
    const { type, body } = await openJwe(await sealedOf(ctx, file), link.key, MAX_FILE)
    total += body.length
    if (total > MAX_TOTAL) throw new KeepwellError('TOO_LARGE', 'There is too much behind this link.')
    files.push({ type: type ?? file.type, body })
  }
  const changing = link.lasting && manifest.status === 'can-change'
  return { label: link.label ?? '', files, again: changing ? (wait ?? 12 * 3600) : null }
}

function withRecipient(url: string, recipient: string): string {
  const out = new URL(url)
  out.searchParams.set('recipient', recipient)
  return out.href
}

/** An issuer's keys, asked at the address in the card and nowhere else; null when they cannot be had. */
export const keysAt =
  (web: Web) =>
  async (iss: string): Promise<readonly IssuerKey[] | null> => {
    const answer = await web.ask(`${iss}/.well-known/jwks.json`, { accept: JSON_TYPE, max: 256 << 10 }).catch(() => null)
    return answer?.status === 200 ? issuerKeys(parsed(answer.body)) : null
  }

export type SeenCard = { readonly jws: string; readonly verdict: CardVerdict; readonly revoked: boolean }

/** The cards in a text or file, each checked with its issuer's keys, and against its issuer's list of revoked ones. */
export async function checkCards({ web, clock }: Opening, content: string): Promise<SeenCard[]> {
  const out: SeenCard[] = []
  for (const jws of cardsIn(content)) {
    const verdict = await verifyCard(jws, { now: clock(), keysOf: keysAt(web) })
    out.push({ jws, verdict, revoked: verdict.ok && (await revokedAt(web, verdict)) })
  }
  return out
}

async function revokedAt(web: Web, { card, kid }: CardVerdict & { ok: true }): Promise<boolean> {
  if (!card.rid) return false
  const answer = await web.ask(`${card.iss}/.well-known/crl/${kid}.json`, { accept: JSON_TYPE, max: 8 << 20 }).catch(() => null)
  return answer?.status === 200 && isRevoked(parsed(answer.body), { kid, rid: card.rid, nbf: card.nbf })
}
