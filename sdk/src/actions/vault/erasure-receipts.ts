import { toBase64Url, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import type { VaultErasure } from './erase-vault.ts'

/** The relay's deletion receipts as a person keeps them: JSON, the relay's own signed word in it. */
export const erasureReceipts = ({ receipts, last, signed }: Pick<VaultErasure, 'receipts' | 'last' | 'signed'>): string =>
  JSON.stringify(
    {
      vault: last.vault,
      relay: last.relay,
      records: receipts.map(r => ({ at: r.at, tombstone: toHex(r.tombstone), ids: r.ids.map(toHex) })),
      whole: { at: last.at, tombstone: toHex(last.tombstone), signed: toBase64Url(encode(signed)) },
    },
    null,
    1,
  )
