import { heldBody } from '@keepwell/sdk/actions/records/outbox'
import { ensure } from '@keepwell/sdk/base/error'
import type { RecordView } from '#rpc/views.ts'
import { contentOf } from './content.ts'
import { NO_EXTRAS } from './extras.ts'
import type { OpenVault } from './vault.ts'

/** A record that waits to be sent, as it will be filed. */
export async function openHeld({ ctx, entries }: OpenVault, id: string): Promise<RecordView> {
  const item = entries.get(id)
  const held = entries.held(id)
  const body = held && (await heldBody(ctx, held))
  ensure(item && held && body, 'NOT_FOUND', 'It does not wait here any more.')
  const { card, authoredAt, attributes = {} } = held.waiting
  const { file = null, ...rest } = attributes
  return {
    row: item.row,
    mediaType: card.mediaType,
    size: card.size,
    fileName: (file ?? 'record').replace(/^.*\//, ''),
    content: await contentOf(card, body),
    from: {
      author: ctx.session.state.ring.name,
      own: true,
      signature: 'unknown',
      signedAt: authoredAt,
      filedAt: authoredAt,
      anchoredAt: null,
      cid: '',
      file,
      attributes: rest,
    },
    prior: null,
    newer: null,
    beside: [],
    ...NO_EXTRAS,
  }
}

/** Its bytes, to be saved. */
export async function heldFile({ ctx, entries }: OpenVault, id: string): Promise<Blob> {
  const held = entries.held(id)
  const body = held && (await heldBody(ctx, held))
  ensure(body, 'NOT_FOUND', 'It does not wait here any more.')
  return new Blob([new Uint8Array(body)], { type: 'application/octet-stream' })
}
