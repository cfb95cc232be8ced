/** `shlink:/…`: what a SMART Health Link says (https://hl7.org/fhir/uv/smart-health-cards-and-links, links, version 1), and the manifest behind it. */
import { fromBase64Url, toBase64Url, utf8 } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'

export type ShLink = {
  readonly url: string
  /** 32 bytes; stands in the link and nowhere else. */
  readonly key: Uint8Array
  /** Asked for a passcode; may be asked again later; gives its one file at once. */
  readonly passcode: boolean
  readonly lasting: boolean
  readonly direct: boolean
  /** Unix seconds. */
  readonly expiry?: number
  readonly label?: string
}

const MAX_LABEL = 80
const MAX_TEXT = 4096

export function encodeShLink(link: ShLink): string {
  const flag = `${link.lasting ? 'L' : ''}${link.passcode ? 'P' : ''}${link.direct ? 'U' : ''}`
  const { url, key, expiry, label } = link
  const payload = {
    url,
    key: toBase64Url(key),
    ...(expiry === undefined ? {} : { exp: expiry }),
    ...(flag ? { flag } : {}),
    ...(label ? { label: label.slice(0, MAX_LABEL) } : {}),
  }
  return `shlink:/${toBase64Url(utf8(JSON.stringify(payload)))}`
}

/** The same link with a page in front that shows it to people without a reader of their own. */
export const withViewer = (link: string, viewer: string): string => `${viewer.replace(/#.*$/, '')}#${link}`

const bad = (what: string): KeepwellError => new KeepwellError('BAD_INPUT', `That is no health link: ${what}.`)

/** https; http only on this machine. Without a user name, which would end in logs. */
function checkedUrl(text: unknown): string {
  if (typeof text !== 'string' || text.length > 512) throw bad('its address is missing or too long')
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw bad('its address is none')
  }
  const loopback = url.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if ((url.protocol !== 'https:' && !loopback) || url.username || url.password) throw bad('its address is not https')
  return text
}

/** A link as it is typed, scanned or pasted, with or without a viewer in front. Throws BAD_INPUT. */
export function readShLink(text: string): ShLink {
  ensure(text.length <= MAX_TEXT, 'BAD_INPUT', 'That is no health link: it is too long.')
  const found = /^(?:https?:\/\/\S*#)?shlink:\/([A-Za-z0-9_-]+)$/.exec(text.trim())
  if (!found) throw bad('it does not begin with shlink:/')
  const payload = jsonIn(found[1]!)
  const { flag = '', exp, label, key, v = 1 } = payload
  if (v !== 1) throw bad('it is of a later version')
  if (typeof flag !== 'string' || !/^[A-Z]*$/.test(flag)) throw bad('its flags are unknown')
  if (typeof key !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(key)) throw bad('its key is not one')
  if (exp !== undefined && (typeof exp !== 'number' || !Number.isFinite(exp) || exp <= 0 || exp > 1e11)) throw bad('its end is no time')
  if (label !== undefined && typeof label !== 'string') throw bad('its label is no text')
  const link = { passcode: flag.includes('P'), lasting: flag.includes('L'), direct: flag.includes('U') }
  if (link.direct && link.passcode) throw bad('a direct link has no passcode')
  return {
    url: checkedUrl(payload.url),
    key: fromBase64Url(key),
    ...link,
    ...(exp === undefined ? {} : { expiry: Math.floor(exp as number) }),
    ...(label ? { label: [...(label as string)].slice(0, MAX_LABEL).join('') } : {}),
  }
}

function jsonIn(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64Url(part)))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw bad('it cannot be read')
}

export type ManifestFile = { readonly type: string; readonly embedded?: string; readonly location?: string }
export type Manifest = { readonly status: 'finalized' | 'can-change' | 'no-longer-valid'; readonly files: readonly ManifestFile[] }

const MAX_FILES = 64

/** Throws UNREADABLE for what is no manifest. */
export function readManifest(value: unknown): Manifest {
  const { files, status } = (value ?? {}) as { files?: unknown; status?: unknown }
  ensure(Array.isArray(files) && files.length <= MAX_FILES, 'UNREADABLE', 'The answer is no manifest of a health link.')
  return {
    status: status === 'can-change' || status === 'no-longer-valid' ? status : 'finalized',
    files: files.map((f: { contentType?: unknown; embedded?: unknown; location?: unknown }) => {
      const type = typeof f?.contentType === 'string' ? f.contentType : ''
      if (typeof f?.embedded === 'string') return { type, embedded: f.embedded }
      ensure(typeof f?.location === 'string', 'UNREADABLE', 'A file of the manifest is nowhere.')
      return { type, location: checkedUrl(f.location) }
    }),
  }
}
