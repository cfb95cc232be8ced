import { readFile, writeFile } from 'node:fs/promises'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { remember } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { askGuardian, setGuardians, settleGuardians } from '@keepwell/sdk/actions/guardians/guardians'
import { acceptGuarding } from '@keepwell/sdk/actions/guardians/take'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { draft } from '@keepwell/sdk/actions/story.kit'
import { findParty } from '@keepwell/sdk/actions/vault/calls'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { parseDid } from '@keepwell/sdk/identity/did'
import { peek } from '@keepwell/sdk/identity/signed'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import type { Manifest } from '@keepwell/sdk/ports/ledger'
import { afterEach, expect, test } from 'vitest'
import { temporaryFolder, testConfig } from './home.kit.ts'
import { inHome } from './home.ts'
import { systemClock as clock, systemRandom as random } from './relay.ts'
import { relayFolder, startRelay } from './start.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

const LATER = ['EmergencyAccess@1', 'GuardianRecovery@1', 'PolicyRegistry@1']
const did = (ctx: Ctx): string => ctx.session.state.ring.did

test('a home whose ledger was made before some contracts gets them as it is opened, once, and what stood there stands', async () => {
  const { path, remove } = temporaryFolder()
  cleanup.push(remove)
  const config = await testConfig(path)
  const file = inHome(relayFolder(config)).manifest
  const read = async (): Promise<Manifest> => JSON.parse(await readFile(file, 'utf8'))
  const person = async (relay: string, name: string): Promise<Ctx> => {
    const parts = { clock, random, network: openNetwork() }
    const { session } = await createVault(parts, { name, relay, deviceName: 'laptop' })
    return { ...parts, catalog: memoryCatalog(), session }
  }

  const first = await startRelay(config, undefined, () => {})
  const ada = await person(first.url, 'Ada Example')
  await fileRecords(ada, [draft(ada, 'laboratory', 'HbA1c')])
  await first.home.relay.anchor()
  const before = await read()
  await first.close()
  // As a home was before them: they are on the chain, and nobody knows.
  const old = Object.fromEntries(Object.entries(before).filter(([name]) => !LATER.includes(name)))
  await writeFile(file, JSON.stringify(old))

  const second = await startRelay(config, undefined, () => {})
  cleanup.push(() => second.close())
  const now = await read()
  expect(now).toMatchObject(old)
  for (const name of LATER) expect(now[name], name).toMatch(/^0x[0-9a-f]{40}$/)
  for (const name of LATER) expect(now[name], name).not.toBe(before[name])
  const info = await second.home.relay.info()
  expect(peek(info.bundle.signed, bundleMessage).manifest).toEqual(now)

  // The vault of before: its identity and anchor are there, and it can have guardians now.
  const here: Ctx = { ...ada, network: openNetwork() }
  const ledger = await here.network.ledger(second.url)
  expect(await ledger.identities.owner(parseDid(did(ada)).address)).toBe(parseDid(did(ada)).address)
  expect(await confirmAnchors(here, await listEntries(here))).toMatchObject({ confirmed: 1, wrong: [] })
  for (const name of ['Ben', 'Cem', 'Dee']) {
    const friend = await person(second.url, name)
    await remember(here, (await findParty(here, did(friend)))!, name)
    await remember(friend, (await findParty(friend, did(here)))!, 'Ada Example')
    await askGuardian(here, did(friend))
    await receiveMessages(friend)
    await acceptGuarding(friend, did(here))
  }
  await receiveMessages(here)
  await setGuardians(here, { threshold: 2 })
  expect((await settleGuardians(here)).plan).not.toBeNull()

  // Opened once more, nothing is made again.
  await second.close()
  cleanup.pop()
  const third = await startRelay(config, undefined, () => {})
  cleanup.push(() => third.close())
  expect(await read()).toEqual(now)
})
