import { openWitnesses } from '@keepwell/adapters/witness/http'
import { compareWithWitness } from '@keepwell/sdk/actions/access/compare-witness'
import { reportProof } from '@keepwell/sdk/actions/access/report-proof'
import { evidence } from '@keepwell/sdk/audit/evidence'
import { encode } from '@keepwell/sdk/base/cbor'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs, list, string } from '@keepwell/sdk/base/shape'
import type { WitnessView } from '#rpc/views.ts'
import type { OpenVault } from './vault.ts'

/** Whom this device asks, by address: a choice of this device, like the address of a printer. */
const MARK = 'witnesses'
const addresses = list(string(2048), 16)

async function known({ ctx }: OpenVault): Promise<string[]> {
  const kept = await ctx.catalog.marked(MARK)
  return kept ? decodeAs(addresses, kept) : []
}

async function asked({ ctx }: OpenVault, url: string): Promise<WitnessView> {
  const { name, seen, charges, problems } = await compareWithWitness(ctx, openWitnesses()(url))
  const proof = problems.find(p => p.evidence)?.evidence
  return {
    url,
    name,
    seen,
    same: problems.length === 0,
    charges: charges.map(c => ({ kind: c.kind, reported: c.tx !== null })),
    proof: proof ? encode(proof) : null,
    failed: null,
  }
}

/** What each says now. One that cannot be asked, or lies itself, says nothing against the relay. */
export const witnesses = async (vault: OpenVault): Promise<WitnessView[]> =>
  Promise.all(
    (await known(vault)).map(url =>
      asked(vault, url).catch((e): WitnessView => {
        if (!isKeepwellError(e)) throw e
        return { url, name: url, seen: null, same: true, charges: [], proof: null, failed: { code: e.code } }
      }),
    ),
  )

/** Remembered once it has answered. */
export async function addWitness(vault: OpenVault, text: string): Promise<void> {
  const url = text.trim().replace(/\/+$/, '')
  await asked(vault, url)
  await vault.ctx.catalog.mark(MARK, encode([...new Set([...(await known(vault)), url])]))
}

export async function forgetWitness(vault: OpenVault, url: string): Promise<void> {
  await vault.ctx.catalog.mark(MARK, encode((await known(vault)).filter(u => u !== url)))
}

/** Brings a proof to the ledger, where it counts for everybody; says through whom. */
export async function reportTrail(vault: OpenVault, proof: Uint8Array): Promise<string> {
  const asking = openWitnesses()
  const { by } = await reportProof(vault.ctx, { evidence: decodeAs(evidence, proof), witnesses: (await known(vault)).map(asking) })
  return by
}
