import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openChain } from '@keepwell/adapters/ledger/embedded/chain'
import { openEvmLedger } from '@keepwell/adapters/ledger/evm/ledger'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { type RunningCustodian, serveCustodian } from '@keepwell/daemon/bin/custodian'
import { inHome, readHome, requestOf } from '@keepwell/daemon/bin/home'
import { readConfig } from '@keepwell/daemon/config/config'
import { remember } from '@keepwell/sdk/actions/access/invite'
import { issueCredential } from '@keepwell/sdk/actions/access/issue-credential'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { findParty } from '@keepwell/sdk/actions/vault/calls'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { credentialText } from '@keepwell/sdk/identity/credential'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import type { BrowserContext, Page } from 'playwright-core'
import { answersWith, newBrowser, type Stage } from './journey.kit.ts'

export const parts = {
  clock: (): number => Math.floor(Date.now() / 1000),
  random: (length: number): Uint8Array => new Uint8Array(randomBytes(length)),
  network: openNetwork(),
}

export type Somebody = Ctx & { readonly words: string }
export const did = (ctx: Pick<Ctx, 'session'>): string => ctx.session.state.ring.did

/** A party with software of its own, which can be opened in a browser by its words. */
export async function somebody(relay: string, name: string, clock = parts.clock): Promise<Somebody> {
  const { session, words } = await createVault({ ...parts, clock }, { name, relay, deviceName: 'own software' })
  return { ...parts, clock, catalog: memoryCatalog(), session, words }
}

/** A custodian that runs, and the patient and it know each other. */
export async function custodian(stage: Stage, patient: Somebody, name: string, hooksTo: readonly string[] = []): Promise<RunningCustodian> {
  const ctx = await somebody(stage.relay.url, name)
  await remember(patient, (await findParty(patient, did(ctx)))!, name)
  await remember(ctx, (await findParty(ctx, did(patient)))!, 'Patient')
  const dir = join(stage.home, name)
  await mkdir(dir, { recursive: true })
  const { http } = readConfig({ HOME: stage.home })
  const place = { host: '127.0.0.1', port: 0, tls: null, limits: http, hosts: [], hooksTo }
  return serveCustodian({ ctx, dir, ...place, mail: null, log: () => {}, lookEvery: 3600 })
}

/** Does something as the home’s own ledger account, while its relay is stopped. */
export async function onLedger<T>(stage: Stage, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  await stage.relay.stop()
  const dir = join(stage.home, 'relay', 'relay')
  const { manifest, secrets } = (await readHome(dir))!
  const { chainId } = secrets
  const chain = await openChain({ dir: inHome(dir).ledger, chainId, clock: parts.clock })
  try {
    return await work(await openEvmLedger({ request: requestOf(chain), manifest, chainId, secret: secrets.request, poll: 5 }))
  } finally {
    await chain.close()
    await stage.restart()
  }
}

/** Vouches for professionals; gives what each pastes. */
export async function vouchFor(stage: Stage, people: readonly (readonly [Somebody, string])[]): Promise<string[]> {
  const keys = await Promise.all(people.map(async ([who]) => (await findParty(who, did(who)))!.request))
  return onLedger(stage, async ledger => {
    const given: string[] = []
    for (const [i, [who, name]] of people.entries()) {
      const about = { holder: did(who), name, role: 'MD', expiry: parts.clock() + 86_400, responder: keys[i]! }
      given.push(credentialText(await issueCredential({ ...parts, ledger }, about)))
    }
    return given
  })
}

/** Opens that party’s record in a browser of its own. */
export async function openAs(
  stage: Stage,
  { words }: Somebody,
  options: Parameters<typeof newBrowser>[1] = {},
  first?: (context: BrowserContext, stage: Stage) => Promise<void>,
) {
  const opened = await newBrowser(stage, options)
  const { page } = opened
  if (first) {
    await first(page.context(), stage)
    await page.reload()
  }
  await page.getByRole('button', { name: 'I have recovery words' }).click()
  await page.getByLabel('Recovery words').fill(words)
  await page.getByRole('radio', { name: /Passphrase/ }).check()
  await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
  await page.getByLabel('Once more').fill('correct horse battery')
  await page.getByRole('button', { name: 'Open my record' }).click()
  await page.getByRole('navigation').waitFor()
  await answersWith(page, 'correct horse battery')
  return opened
}

/** Sets emergency access up as the patient does, with the custodians named. */
export async function setUpOn(page: Page, url: string, named: readonly (readonly [string, string])[]): Promise<void> {
  await page.goto(`${url}/#/emergency/set-up`)
  for (const [name, address] of named) {
    await page.getByRole('checkbox', { name, exact: true }).check()
    await page.getByLabel(`Address of the custodian of ${name}`).fill(address)
  }
}
