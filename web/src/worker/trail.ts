import { notePassed } from '@keepwell/sdk/actions/access/passed'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { trailFile } from '@keepwell/sdk/audit/trail-proof'
import { toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import type { TrailView } from '#rpc/views.ts'
import { naming } from './entries.ts'
import { clock } from './platform.ts'
import type { OpenVault } from './vault.ts'

/** Who looked, every line of it checked here and now. */
export async function trail({ ctx, entries, run }: OpenVault): Promise<TrailView> {
  const found = await verifyTrail(ctx)
  // What a caregiver gave without a word is in the receipts; from now on it is in the list of shares as well.
  if (found.untold.length) await run(c => notePassed(c, found.untold))
  const { ring } = ctx.session.state
  const names = naming(ring)
  const looked = found.looked.map(({ receipt: r, index, hash, name, grant, proxy, reader, credential }) => ({
    seq: r.seq,
    index,
    did: r.actor,
    time: r.time,
    name: r.actor === ring.did ? ring.name : name,
    own: r.actor === ring.did,
    person: r.person ?? null,
    role: r.role ?? null,
    action: r.action,
    denied: r.verdict === 'denied',
    reasons: r.reasons,
    purpose: r.purpose,
    compartments: r.compartments.map(names.compartment),
    records: r.ids.map(toHex).map(id => {
      const row = entries.get(id)?.row
      return { id, title: row?.title ?? null, type: row?.type ?? null }
    }),
    reader,
    credential,
    hash: toHex(hash),
    share: grant,
    by: proxy && names.party(proxy),
  }))
  const { anchored, unbroken, problems, relay, logSize } = found
  return {
    looked: looked.reverse(),
    receipts: found.looked.length,
    logSize,
    relay,
    anchored: anchored && { ...anchored, root: toHex(anchored.root) },
    unbroken,
    problems: problems.map(({ seq, code, evidence }) => ({ seq, code, proof: evidence ? encode(evidence) : null })),
    checkedAt: clock(),
  }
}

/** The same for somebody else, who checks it alone: with `keepwell verify FILE`, on any machine. */
export async function trailProof({ ctx }: OpenVault): Promise<Blob> {
  const { proveTrail } = await import('@keepwell/sdk/actions/access/prove-trail')
  return new Blob([trailFile(await proveTrail(ctx)) as BlobPart], { type: 'application/json' })
}
