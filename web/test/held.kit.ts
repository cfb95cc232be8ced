import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RunningGateway, serveGateway } from '@keepwell/daemon/bin/gateway'
import { holdingsAt } from '@keepwell/daemon/bin/gateway-held'
import { openArchive } from '@keepwell/daemon/gateway/held/archive'
import { HELD_PATH } from '@keepwell/daemon/gateway/held/part'
import { freePort } from '@keepwell/daemon/http/free-port'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { holdItems } from '@keepwell/sdk/actions/records/hold-items'
import type { Did } from '@keepwell/sdk/identity/did'
import { expect } from 'vitest'

/** An organisation whose letter stays in its own folder: attached to a person's record, given out by its gateway, which can be away. */
export async function archiveAt(ctx: Ctx, to: Did, dir: string) {
  const files = join(dir, 'archive')
  mkdirSync(files, { recursive: true })
  writeFileSync(join(files, 'letter.txt'), `A letter.\nKept where it was written.\n${'Nothing else.\n'.repeat(2000)}`)
  const port = await freePort()
  let running: RunningGateway | null = null
  const start = async (): Promise<void> => {
    running = await serveGateway({
      ...{ ctx, dir, host: '127.0.0.1', port, url: null, tls: null, origins: [], proxies: 0 },
      limits: { perAddress: { perSecond: 1e6, burst: 1e6 } },
      log: () => {},
    })
  }
  await start()
  const holdings = holdingsAt(ctx, dir)
  const relays = receivedGrants(ctx).find(g => g.terms.patient === to)!.package.relays
  const name = `folder:${files}`
  try {
    const url = `${running!.url}${HELD_PATH}`
    for await (const verdict of holdItems(ctx, openArchive(name).list(), {
      ...{ to, purpose: 'TREAT' as const, url, book: holdings.book(to, name, relays) },
    }))
      expect([verdict.item, verdict.outcome]).toEqual(['letter.txt', 'taken'])
  } finally {
    await holdings.close()
  }
  const metric = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return {
    start,
    async stop(): Promise<void> {
      const was = running
      running = null
      await was?.close()
    },
    /** Blocks that it gave out. */
    given: async (): Promise<number> => Number(/^keepwell_held_blocks_total (\d+)/m.exec(await metric())?.[1]),
  }
}
