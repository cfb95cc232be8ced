import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Ledger, Manifest } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkCount, ZERO_ADDRESS } from '@keepwell/sdk/ports/ledger-checks'
import { openAccess } from './access.ts'
import { evmAnchors } from './anchors.ts'
import { evmConsents } from './consents.ts'
import { evmCredentials } from './credentials.ts'
import { evmEmergencies } from './emergencies.ts'
import { eventsSince } from './events.ts'
import { type Confirmations, finality } from './finality.ts'
import { evmIdentities } from './identities.ts'
import { evmPolicies } from './policies.ts'
import { evmRecoveries } from './recoveries.ts'
import { ask, httpRequest, type Request } from './request.ts'
import { evmTokens } from './tokens.ts'
import { evmTrail } from './trail.ts'
import { openWriter } from './writer.ts'

export type EvmLedgerOptions = ({ readonly request: Request } | { readonly url: string }) & {
  readonly manifest: Manifest
  readonly chainId: number
  /** The 32-byte key of the account that pays and anchors; without it the ledger can only be read. */
  readonly secret?: Uint8Array
  /** Default 1: the engine's blocks are final. */
  readonly confirmations?: Confirmations
  /** Milliseconds between two looks for a receipt; default 250. */
  readonly poll?: number
  /** Milliseconds to wait for a transaction to become final; default two minutes. */
  readonly patience?: number
}

/** Throws LEDGER_CHAIN_MISMATCH unless the engine's chain is the expected one. */
export async function checkChainId(request: Request, chainId: number): Promise<void> {
  const found = Number(await ask<string>(request, 'eth_chainId'))
  if (found !== chainId) {
    throw new KeepwellError('LEDGER_CHAIN_MISMATCH', `The ledger engine is of chain ${found}, but chain ${chainId} is configured.`)
  }
}

/** Throws NOT_FOUND when a contract of the manifest is not on this chain. */
export async function checkManifest(request: Request, manifest: Manifest): Promise<void> {
  await Promise.all(
    Object.entries(manifest).map(async ([name, address]) => {
      checkAddress(address, `${name} of the manifest`)
      const code = await ask<string>(request, 'eth_getCode', [address, 'latest'])
      if (code === '0x') throw new KeepwellError('NOT_FOUND', `There is no ${name} at ${address} on this ledger; check the manifest.`)
    }),
  )
}

/** The account of a ledger that is only read is the zero address. */
export async function openEvmLedger(options: EvmLedgerOptions): Promise<Ledger> {
  const { manifest, chainId, secret, confirmations = 1, poll = 250, patience = 120_000 } = options
  const request = 'url' in options ? httpRequest(options.url) : options.request
  await checkChainId(request, chainId)
  await checkManifest(request, manifest)
  const rule = finality(request, confirmations)
  const writer = secret ? openWriter({ request, chainId, secret, finality: rule, poll, patience }) : null
  const access = openAccess(request, manifest, rule, writer)
  return {
    chainId,
    manifest,
    account: writer?.account ?? ZERO_ADDRESS,
    identities: evmIdentities(access),
    consents: evmConsents(access),
    anchors: evmAnchors(access),
    trail: evmTrail(access),
    tokens: evmTokens(access),
    credentials: evmCredentials(access),
    emergencies: evmEmergencies(access),
    recoveries: evmRecoveries(access),
    policies: evmPolicies(access),
    head: () => access.head(),
    async since(block) {
      checkCount(block, 'block')
      return eventsSince(access, block)
    },
    async close() {
      writer?.close()
    },
  }
}
