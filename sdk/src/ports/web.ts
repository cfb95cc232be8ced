/** One question to a server of somebody else, and its answer; the body whole, within a limit. */
export type WebAsk = {
  readonly method?: 'GET' | 'POST'
  readonly accept: string
  readonly body?: string
  /** Of the body; default: `application/json`. */
  readonly type?: string
  /** Shows a token, to the server whose own it is. */
  readonly authorization?: string
  /** Bytes of the answer; TOO_LARGE beyond. */
  readonly max: number
  readonly signal?: AbortSignal
}
/** `retryAfter` is in seconds, however the server wrote it. */
export type WebAnswer = { readonly status: number; readonly type: string; readonly body: Uint8Array; readonly retryAfter?: number }

/**
 * Other people's servers: health links, issuers' keys, hospitals.
 *
 * - Only https, and http on this machine; anything else throws BAD_INPUT. No redirect is followed, nothing of us is sent but what is asked.
 * - Any status is an answer. PEER_FAILED when there is none: unreachable, too slow, cut off, or a redirect. CANCELLED when `signal` said so.
 */
export interface Web {
  ask(url: string, ask: WebAsk): Promise<WebAnswer>
}
