import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { attestedBy, attestMilestone, burnTokens, mintMilestone } from '@keepwell/sdk/actions/records/mint-milestone'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { milestoneOf } from '@keepwell/sdk/health/milestones'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { MilestoneView } from '#rpc/attention.ts'
import type { Call } from '#rpc/rpc.ts'
import type { Item } from './entries.ts'
import { clock, pause } from './platform.ts'
import { itemOf } from './record.ts'
import type { OpenVault } from './vault.ts'

const kindOf = ({ entry: { card } }: Item): MilestoneView['kind'] | null =>
  milestoneOf({
    title: card.title,
    codes: card.codes,
    ...(card.resourceType ? { resourceType: card.resourceType } : {}),
    ...(card.status ? { status: card.status } : {}),
  })

/** The attestation that was made of a record, when there is one. */
function attestationOf(vault: OpenVault, id: string): Entry | undefined {
  const of = attestedBy(vault.ctx.session.state.ring)
  for (const { entry } of vault.entries.all()) if (entry.card.token && of(entry.card.token) === id) return entry
  return undefined
}

/** The gallery: what the record holds that is worth a place on the wall, newest first. */
export async function milestones(vault: OpenVault): Promise<MilestoneView[]> {
  const of = attestedBy(vault.ctx.session.state.ring)
  const attested = new Map<string, Entry>()
  for (const { entry } of vault.entries.all()) {
    const owner = entry.card.token && of(entry.card.token)
    if (owner) attested.set(owner, entry)
  }
  const out: MilestoneView[] = []
  for (const item of vault.entries.current()) {
    const kind = kindOf(item)
    if (!kind) continue
    const attestation = attested.get(item.row.id)
    const holder = attestation ? await holderOf(vault, attestation) : null
    const ledger = attestation && holder ? { token: toHex(attestation.leaf), holder } : null
    out.push({ id: item.row.id, kind, row: item.row, token: ledger ? 'minted' : attestation ? 'waiting' : 'none', ledger })
  }
  return out
}

const holderOf = async ({ ctx }: OpenVault, { leaf }: Entry): Promise<string | null> => (await homeLedger(ctx)).tokens.ownerOf(leaf)

/** A record must be on the ledger before a token can speak of it; that takes as long as the relay's batches do. */
const TRIES = 45
const WAIT = 2000

/** Makes a token of a milestone: an attestation is filed, waited for, and minted. Begun again after a break, it goes on where it was. */
export async function mint(vault: OpenVault, id: string, { signal }: Call): Promise<void> {
  const item = itemOf(vault, id)
  const recordType = kindOf(item)
  ensure(recordType, 'BAD_INPUT', 'This record is no milestone.')
  const { entry } = item
  let attestation = attestationOf(vault, id)
  if (!attestation) {
    attestation = await vault.run(ctx => attestMilestone(ctx, entry, recordType))
    await vault.filed()
  }
  const ready = attestation
  const metadata = {
    recordType,
    provider: entry.card.author,
    timestamp: clock(),
    verificationProof: { record: entry.id, leaf: entry.leaf },
  }
  for (let tried = 1; ; tried++) {
    try {
      await vault.run(ctx => mintMilestone(ctx, ready, metadata))
      break
    } catch (e) {
      if (!isKeepwellError(e, 'NOT_ANCHORED') || tried === TRIES || signal.aborted) throw e
      await pause(WAIT, signal)
    }
  }
  vault.changed()
}

/** Burns the token and erases the attestation, so that the record is as it was before. */
export async function burn(vault: OpenVault, id: string): Promise<void> {
  const attestation = attestationOf(vault, id)
  ensure(attestation, 'NOT_FOUND', 'There is no token of this record.')
  await vault.run(async ctx => {
    await burnTokens(ctx, [attestation])
    await eraseRecords(ctx, [attestation.id])
  })
  await vault.filed()
  vault.changed()
}
