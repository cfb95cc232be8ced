import { writeCar } from '@keepwell/adapters/blocks/car'
import { cidFromBytes } from '@keepwell/sdk/base/cid'
import { decodeAs } from '@keepwell/sdk/base/shape'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { CBOR, getBlocksBody, ROUTES } from '@keepwell/sdk/wire/routes'
import type { GatewayPart } from '#gateway/core/types'
import { type Archive, type ArchiveSettings, openArchive } from './archive.ts'
import { type DoorInput, heldDoor } from './door.ts'

/** Below the gateway's URL: the address that records name. */
export const HELD_PATH = '/held'

/** The door to what the organisation holds, as a side of its gateway: one question, asked and answered as a relay's blocks are. */
export function heldPart(input: Omit<DoorInput, 'archive'> & { readonly archives: ArchiveSettings }): GatewayPart {
  const archives = new Map<string, Archive>()
  const archive = (name: string): Archive => {
    const known = archives.get(name) ?? openArchive(name, input.archives)
    archives.set(name, known)
    return known
  }
  const door = heldDoor({ ...input, archive })
  return {
    routes: [
      {
        name: 'held-blocks',
        method: 'POST',
        path: `${HELD_PATH}${ROUTES['get-blocks'].path}`,
        accepts: CBOR,
        // The app that a patient reads with comes from anywhere; what counts is what it shows.
        anyOrigin: true,
        async handle(request) {
          const { capability, cids } = decodeAs(getBlocksBody, await request.body(ROUTES['get-blocks'].request.max))
          const blocks = door.blocks(capability, cids.map(cidFromBytes), request.signal)
          return { type: ROUTES['get-blocks'].answer.type, body: writeCar(await begun(blocks)) }
        },
      },
    ],
    gauges: () => [
      { name: 'keepwell_held_blocks_total', about: 'Sealed blocks given of what lies here.', value: door.counts.given, type: 'counter' },
      {
        name: 'keepwell_held_refused_total',
        about: 'Readings of what lies here that were refused.',
        value: door.counts.refused,
        type: 'counter',
      },
      {
        name: 'keepwell_held_altered_total',
        about: 'Files that were not as they were signed.',
        value: door.counts.altered,
        type: 'counter',
      },
    ],
    close: () => input.holdings.close(),
  }
}

const ENDED = { done: true, value: undefined } as const

/** A refusal must not come after the status: the answer then ends early, and whoever asks for the rest is told why. */
async function begun(blocks: AsyncIterable<Block>): Promise<AsyncIterable<Block>> {
  const iterator = blocks[Symbol.asyncIterator]()
  const first = await iterator.next()
  return (async function* () {
    for (let next = first; !next.done; next = await iterator.next().catch(() => ENDED)) yield next.value
  })()
}
