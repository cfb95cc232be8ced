import type { Arrival } from '@keepwell/sdk/actions/access/receive-messages'
import { toHex } from '@keepwell/sdk/base/bytes'
import type { Told } from '@keepwell/sdk/wire/rights'
import type { SharingNews } from '#rpc/sharing.ts'

/** What touches a session that is open. */
function ofTold({ did, name }: { readonly did: string; readonly name: string }, { event, records }: Told): SharingNews[] {
  if (event === 'frozen') return [{ kind: 'frozen', did, name }]
  return event === 'amended' ? [{ kind: 'amended', did, name, records: records.map(toHex) }] : []
}

/** What arrived, as notices tell it; messages that were refused are no news to a person. */
export const newsOf = (arrivals: readonly Arrival[]): SharingNews[] =>
  arrivals.flatMap((a): SharingNews[] => {
    switch (a.kind) {
      case 'contact':
      case 'notice':
        return [a]
      case 'emergency':
        return [{ kind: 'notice', did: a.did, name: a.name, text: `${a.opening.name} (${a.opening.role}): ${a.opening.reason}` }]
      case 'right':
        return a.news.step === 'told' ? ofTold(a, a.news) : []
      case 'request':
        return [{ kind: 'request', did: a.did, name: a.name, level: a.request.level }]
      case 'grant':
        return [{ kind: 'shared', did: a.did, name: a.name, share: a.commitment, renewed: a.renewed }]
      case 'passed-on':
        return [{ kind: 'passed-on', did: a.did, name: a.name, to: a.to, share: a.commitment }]
      case 'revoked':
        return [{ kind: 'ended', did: a.did, name: a.name, share: a.commitment }]
      default:
        return []
    }
  })
