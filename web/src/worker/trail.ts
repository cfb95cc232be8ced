import { notePassed } from '@keepwell/sdk/actions/access/passed'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
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
  const looked = found.looked.map(({ receipt: r, index, name, grant, proxy, reader }) => ({
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
    records: r.ids.map(id => ({ id: toHex(id), title: entries.get(toHex(id))?.row.title ?? null })),
    reader,
    share: grant,
    by: proxy && names.party(proxy),
  }))
  const { anchored, problems, relay } = found
  return {
    looked: looked.reverse(),
    receipts: found.looked.length,
    relay,
    anchored: anchored && { ...anchored, root: toHex(anchored.root) },
    problems: problems.map(({ seq, code, message, evidence }) => ({ seq, code, message, proof: evidence ? encode(evidence) : null })),
    checkedAt: clock(),
  }
}
