import { isKeepwellError } from '#base/error'
import type { Keyring } from '#identity/keyring'

/** Tries the inbox key in force, then those from before rotations. Throws what the first one threw. */
export async function withInbox<T>(ring: Pick<Keyring, 'inbox' | 'oldInboxes'>, open: (secret: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await open(ring.inbox)
  } catch (first) {
    if (!isKeepwellError(first, 'OPEN_FAILED')) throw first
    for (const secret of [...(ring.oldInboxes ?? [])].reverse()) {
      try {
        return await open(secret)
      } catch (e) {
        if (!isKeepwellError(e, 'OPEN_FAILED')) throw e
      }
    }
    throw first
  }
}
