import { randomBytes } from 'node:crypto'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { join } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { forge as forgeRecord } from '@keepwell/sdk/actions/forge.kit'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import type { Card } from '@keepwell/sdk/records/card'

const clock = (): number => Math.floor(Date.now() / 1000)
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/** Somebody with software of their own at the same relay, who answers an invitation. */
export async function writerAt(relay: string, name: string, link: string): Promise<Ctx> {
  const base = { clock, random, network: openNetwork() }
  const { session } = await createVault(base, { name, relay, deviceName: 'own software' })
  const ctx: Ctx = { ...base, catalog: memoryCatalog(), session }
  await join(ctx, link.replace(/^.*#\/join\//, 'keepwell:invite#'))
  return ctx
}

/** Waits until a share to write has arrived. */
export async function mayWrite(ctx: Ctx): Promise<void> {
  for (let tried = 0; tried < 60; tried++) {
    await receiveMessages(ctx)
    if (receivedGrants(ctx).some(g => g.terms.level === 'write')) return
    await new Promise(resolve => setTimeout(resolve, 250))
  }
  throw new Error('No share to write arrived.')
}

/** Files a well-formed record whose card says what its writer likes: signed as one thing, shown as another. */
export const forge = (ctx: Ctx, home: string, lie: Partial<Card>): Promise<Uint8Array> => {
  const { compartments } = receivedGrants(ctx).find(g => g.terms.level === 'write')!.package
  return forgeRecord(ctx, { home, compartment: compartments[0]!.id, lie: { title: 'Ferritin: 3 ug/L', ...lie } })
}
