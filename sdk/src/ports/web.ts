/** One question to a server of somebody else, and its answer; the body whole, within a limit. */
export type WebAsk = {
  readonly method?: 'GET' | 'POST'
  readonly accept: string
  /** JSON. */
  readonly body?: string
  /** Bytes of the answer; TOO_LARGE beyond. */
  readonly max: number
}
export type WebAnswer = { readonly status: number; readonly type: string; readonly body: Uint8Array; readonly retryAfter?: number }

/**
 * Other people's servers: health links, issuers' keys.
 *
 * - Only https, and http on this machine; anything else throws BAD_INPUT. No redirect is followed, nothing of us is sent but what is asked.
 * - Any status is an answer. PEER_FAILED when there is none: unreachable, too slow, cut off.
 */
export interface Web {
  ask(url: string, ask: WebAsk): Promise<WebAnswer>
}
