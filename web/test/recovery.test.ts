import { randomBytes } from 'node:crypto'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { remember } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { askGuardian, setGuardians } from '@keepwell/sdk/actions/guardians/guardians'
import { beginPlea } from '@keepwell/sdk/actions/guardians/plead'
import { beginRound } from '@keepwell/sdk/actions/guardians/recover'
import { acceptGuarding } from '@keepwell/sdk/actions/guardians/take'
import { helpRecover } from '@keepwell/sdk/actions/guardians/vote'
import { findParty } from '@keepwell/sdk/actions/vault/calls'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { parseDid } from '@keepwell/sdk/identity/did'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessible, hasChromium, newBrowser, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'

const parts = {
  clock: (): number => Math.floor(Date.now() / 1000),
  random: (length: number): Uint8Array => new Uint8Array(randomBytes(length)),
  network: openNetwork(),
}
const did = (ctx: Ctx): string => ctx.session.state.ring.did

async function personAt(relay: string, name: string): Promise<Ctx & { words: string }> {
  const { session, words } = await createVault(parts, { name, relay, deviceName: 'own software' })
  return { ...parts, catalog: memoryCatalog(), session, words }
}

/** A person with three guardians, two of whom suffice. */
async function guarded(relay: string) {
  const ada = await personAt(relay, 'Ada Example')
  const friends = []
  for (const name of ['Ben', 'Cem', 'Dee']) {
    const friend = await personAt(relay, name)
    await remember(ada, (await findParty(ada, did(friend)))!, name)
    await remember(friend, (await findParty(friend, did(ada)))!, 'Ada Example')
    await askGuardian(ada, did(friend))
    await receiveMessages(friend)
    await acceptGuarding(friend, did(ada))
    friends.push(friend)
  }
  await receiveMessages(ada)
  await setGuardians(ada, { threshold: 2 })
  for (const friend of friends) await receiveMessages(friend)
  return { ada, friends }
}

describe.skipIf(!hasChromium())('a recovery that somebody else began', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  test('T09: the owner’s open app says so at once, on every screen, and stops it', { timeout: 300_000 }, async () => {
    const relay = stage.relay.url
    const { ada, friends } = await guarded(relay)
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    await page.getByRole('button', { name: 'I have recovery words' }).click()
    await page.getByLabel('Recovery words').fill(ada.words)
    await page.getByRole('radio', { name: /Passphrase/ }).check()
    await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
    await page.getByLabel('Once more').fill('correct horse battery')
    await page.getByRole('button', { name: 'Open my record' }).click()
    await page.getByRole('navigation').waitFor()
    const alert = page.getByRole('alert').filter({ hasText: 'taking over your record' })
    expect(await alert.count()).toBe(0)

    const open = await beginPlea(parts, { relay, name: 'other phone' })
    for (const friend of friends.slice(0, 2)) await helpRecover(friend, open.plea, did(ada))
    await beginRound(parts, open)
    await alert.waitFor()
    await accessible(page, 'home, while a recovery runs')
    await page.goto(`${stage.url}/#/settings`)
    await alert.waitFor()
    await page.getByRole('button', { name: 'Stop it' }).click()
    await page.getByRole('dialog').waitFor()
    await accessible(page, 'stop a recovery')
    await page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click()
    await alert.waitFor({ state: 'detached' })
    const ledger = await parts.network.ledger(relay)
    expect((await ledger.recoveries.state(parseDid(did(ada)).address)).round?.state).toBe('cancelled')
    noViolations(heard)
  })
})
