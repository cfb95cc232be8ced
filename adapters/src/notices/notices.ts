import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Notices } from '@keepwell/sdk/ports/custody'
import type { PostHook } from '#hooks/post'
import type { Mail } from './mail.ts'

/** Milliseconds for a webhook. */
const TIMEOUT = 10_000

/** Tells people by the ways that this operator offers. A webhook is guarded as every address is that others chose. */
export function openNotices({ mail, hooks }: { readonly mail: Mail | null; readonly hooks: PostHook }): Pick<Notices, 'send'> {
  return {
    async send({ kind, address }, subject, text) {
      if (kind === 'email') {
        if (!mail) throw new KeepwellError('PEER_FAILED', 'This custodian sends no mail.')
        return mail.send(address, subject, text)
      }
      const body = JSON.stringify({ subject, text })
      const status = await hooks.post({ url: address, headers: [], type: 'application/json', body, timeout: TIMEOUT })
      if (status < 200 || status > 299) throw new KeepwellError('PEER_FAILED', 'The contact’s webhook did not take the notice.')
    },
  }
}
