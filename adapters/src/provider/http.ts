import { fromBase64Url, text, toBase64Url, utf8 } from '@keepwell/sdk/base/bytes'
import { ERRORS, type ErrorCode, KeepwellError } from '@keepwell/sdk/base/error'
import type { Credentials, Provider, ProviderGrant, ProviderRecord } from '@keepwell/sdk/ports/provider'

export type ProviderOptions = {
  /** Of the gateway, without a trailing slash. */
  readonly url: string
  /** An API key of the gateway, as `keepwell gateway key add` showed it. */
  readonly key: string
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds for one call; default a minute. */
  readonly timeout?: number
}

/** The provider interface of an organisation's gateway, over HTTP. Throws the gateway's own errors, PEER_FAILED when it does not answer. */
export function openProvider({ url, key, fetch = globalThis.fetch, timeout = 60_000 }: ProviderOptions): Provider {
  async function call(method: string, path: string, credentials: Credentials | null, sent: Pick<RequestInit, 'body' | 'headers'> = {}) {
    const who = credentials
      ? { 'x-keepwell-person': encodeURIComponent(credentials.person), 'x-keepwell-role': encodeURIComponent(credentials.role) }
      : {}
    const headers = { authorization: `Bearer ${key}`, accept: '*/*', ...who, ...sent.headers }
    const init: RequestInit = { method, headers, redirect: 'error', signal: AbortSignal.timeout(timeout), body: sent.body ?? null }
    const answer = await fetch(`${url}/api/v1/${path}`, init).catch(cause => {
      throw new KeepwellError('PEER_FAILED', 'The gateway does not answer.', { cause })
    })
    if (answer.ok) return answer
    const error = await errorOf(answer)
    if (error.code === 'NOT_FOUND') return null
    throw error
  }
  const patient = (id: string): string => `patients/${encodeURIComponent(id)}`
  return {
    async submitRecord(id, data, metadata, credentials) {
      const headers = { 'content-type': 'application/octet-stream', 'keepwell-metadata': toBase64Url(utf8(JSON.stringify(metadata))) }
      const answer = await call('POST', `${patient(id)}/records`, credentials, { headers, body: data as Uint8Array<ArrayBuffer> })
      return ((await answer!.json()) as { ids: string[] }).ids
    },
    async getRecord(id, record, credentials) {
      const answer = await call('GET', `${patient(id)}/records/${encodeURIComponent(record)}`, credentials)
      if (!answer) return null
      const about = JSON.parse(text(fromBase64Url(answer.headers.get('keepwell-metadata') ?? ''))) as Omit<ProviderRecord, 'data'>
      return { ...about, data: new Uint8Array(await answer.arrayBuffer()) }
    },
    async requestAccess(request, credentials) {
      const headers = { 'content-type': 'application/json' }
      const answer = await call('POST', 'access-requests', credentials, { headers, body: JSON.stringify(request) })
      return (await answer!.json()) as { patient: string; grant: ProviderGrant | null }
    },
    async grant(id) {
      const answer = await call('GET', patient(id), null)
      return answer ? ((await answer.json()) as ProviderGrant) : null
    },
  }
}

async function errorOf(answer: Response): Promise<KeepwellError> {
  const said = (await answer.json().catch(() => ({}))) as { code?: string; message?: string }
  const known = said.code !== undefined && Object.hasOwn(ERRORS, said.code)
  return known
    ? new KeepwellError(said.code as ErrorCode, said.message ?? '')
    : new KeepwellError('PEER_FAILED', `The gateway answered with status ${answer.status}.`)
}
