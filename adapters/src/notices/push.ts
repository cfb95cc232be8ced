import { createECDH, type ECDH } from 'node:crypto'
import { toBase64Url, utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { WakeDevice } from '@keepwell/sdk/identity/wake'
import type { Notices } from '@keepwell/sdk/ports/custody'
import { importJWK, SignJWT } from 'jose'
import type { PostHook } from '#hooks/post'

export type PushOptions = {
  readonly hooks: PostHook
  /** Whom a push service may write to about what we send; Apple’s takes nothing without. */
  readonly contact: string | null
  /** Unix seconds. */
  readonly clock: () => number
}

/** What devices are woken with: that there was a release, or that there is news, which says nothing else. */
export type Push = { readonly release: Notices['wake']; readonly news: (device: WakeDevice) => Promise<'taken' | 'gone'> }

type Told = { readonly topic: string; readonly about: string; readonly whose?: string; readonly id?: string }

/** Milliseconds for one message: somebody waits. */
const TIMEOUT = 10_000
/** Seconds that a push service keeps what a sleeping device has not taken: as long as a request is open at most. */
const TTL = 86_400
/** Seconds in which a push service that said “too many” is left alone (RFC 8030 §8.4). */
const PAUSE = 60
/** What is told is this long whatever it says. */
const LENGTH = 96

/**
 * Wakes browsers over Web Push: RFC 8030, encrypted by RFC 8291, vouched for by VAPID (RFC 8292) under the key that the vault made for the
 * subscription. The push service learns the device’s address, our network address and the second, and neither content nor vault. An endpoint
 * is guarded as every address is that others chose.
 */
export function openPush({ hooks, contact, clock }: PushOptions): Push {
  const paused = new Map<string, number>()
  async function wake(device: WakeDevice, told: Told): Promise<'taken' | 'gone'> {
    const { origin } = URL.parse(device.endpoint) ?? { origin: '' }
    if ((paused.get(origin) ?? 0) > clock()) throw failed('The push service asked to be left alone for a minute.')
    const status = await post(device, told).catch(e => {
      if (isKeepwellError(e, 'BAD_INPUT')) return 410
      throw e
    })
    if (status === 404 || status === 410) return 'gone'
    if (status === 429) paused.set(origin, clock() + PAUSE)
    if (status < 200 || status > 299) throw failed('The push service did not take the message.')
    return 'taken'
  }

  async function post(device: WakeDevice, { topic, ...said }: Told): Promise<number> {
    hooks.check(device.endpoint)
    const content = utf8(JSON.stringify({ v: 1, ...said }))
    return hooks.post({
      url: device.endpoint,
      headers: [
        ['authorization', await vapid(device, { contact, now: clock() })],
        ['content-encoding', 'aes128gcm'],
        ['ttl', String(TTL)],
        ['urgency', 'high'],
        // Of several custodians’ words about one release, and of several rings, a sleeping device keeps the last.
        ['topic', topic],
      ],
      type: 'application/octet-stream',
      body: await encryptPush(content, device, { pad: LENGTH - content.length }),
      timeout: TIMEOUT,
    })
  }

  return {
    release: (device, id) => {
      const topic = toBase64Url(id)
      return wake(device, { topic, about: 'emergency', whose: device.whose, id: topic })
    },
    news: device => wake(device, { topic: 'news', about: 'news' }),
  }
}

const failed = (message: string): KeepwellError => new KeepwellError('PEER_FAILED', message)

const ecdh = (key?: Uint8Array): ECDH => {
  const pair = createECDH('prime256v1')
  if (key) pair.setPrivateKey(key)
  else pair.generateKeys()
  return pair
}

/** The message body (RFC 8291 §4). `fixed` is for the RFC’s own example alone. Throws BAD_INPUT for keys that are none. */
export async function encryptPush(
  content: Uint8Array,
  { p256dh, auth }: Pick<WakeDevice, 'p256dh' | 'auth'>,
  { pad, fixed }: { readonly pad: number; readonly fixed?: { readonly key: Uint8Array; readonly salt: Uint8Array } },
): Promise<Uint8Array> {
  // Loaded when a device is to be woken: most custodians wake none.
  const { default: ece } = await import('http_ece')
  try {
    return ece.encrypt(Buffer.from(content), {
      version: 'aes128gcm',
      privateKey: ecdh(fixed?.key),
      dh: Buffer.from(p256dh),
      authSecret: Buffer.from(auth),
      pad,
      ...(fixed ? { salt: Buffer.from(fixed.salt) } : {}),
    })
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'That is no push subscription.', { cause })
  }
}

/** RFC 8292 §3: for this push service, an hour, by the subscription’s own key. */
async function vapid({ endpoint, key }: WakeDevice, { contact, now }: { contact: string | null; now: number }): Promise<string> {
  const point = ecdh(key).getPublicKey()
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(half => toBase64Url(half))
  const jwk = await importJWK({ kty: 'EC', crv: 'P-256', d: toBase64Url(key), x: x!, y: y! }, 'ES256')
  const token = new SignJWT({ aud: new URL(endpoint).origin, exp: now + 3600, ...(contact ? { sub: `mailto:${contact}` } : {}) })
  return `vapid t=${await token.setProtectedHeader({ typ: 'JWT', alg: 'ES256' }).sign(jwk)}, k=${toBase64Url(point)}`
}
