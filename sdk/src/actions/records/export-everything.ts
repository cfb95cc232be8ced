import { receivedGrants } from '#actions/access/grants'
import { proveTrail } from '#actions/access/prove-trail'
import { type Looked, verifyTrail } from '#actions/access/verify-trail'
import type { Ctx, Progress } from '#actions/context'
import { ownBundle } from '#actions/vault/calls'
import { trailFile } from '#audit/trail-proof'
import { toBase64Url, toHex, utf8 } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { isoTime } from '#base/time'
import { decodeTerms, readTerms, type Terms } from '#consent/terms'
import { bundleMessage, encodeBundle, fingerprint } from '#identity/bundle'
import type { Keyring } from '#identity/keyring'
import { peek } from '#identity/signed'
import type { Entry } from '#records/catalog'
import { exportBundle } from './export-bundle.ts'
import { exportFiles } from './export-files.ts'
import { summarise } from './summarise.ts'

type Exporting = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** One file of an export; `size` is null when it is not known before it is written. */
export type ExportPart = {
  readonly name: string
  readonly size: number | null
  readonly time: number
  readonly chunks: () => AsyncIterable<Uint8Array>
}

export type ExportEverything = {
  readonly entries: readonly Entry[]
  /** Says in the person's language what the files are. */
  readonly readme: string
  readonly progress?: Progress
}

/**
 * All that a vault holds, readable by anybody: every record as the file it was, the FHIR resources once more as one Bundle, who the vault is,
 * what was shared with whom, and who looked. No key is in it. The log comes last, for this very export stands in it too.
 */
export async function* exportEverything(ctx: Exporting, input: ExportEverything): AsyncGenerator<ExportPart> {
  const { entries, readme, progress = () => {} } = input
  const now = ctx.clock()
  const fhir = entries.filter(e => e.card.kind === 'fhir')
  const total = entries.length + fhir.length
  yield whole('README.txt', now, utf8(readme))
  yield json('identity.json', now, identityOf(ctx.session.state.ring))
  yield json('shares.json', now, sharesOf(ctx))
  let done = 0
  for await (const file of exportFiles(ctx, entries)) {
    yield { ...file, name: `records/${file.name}` }
    progress(Math.min(++done, entries.length), total)
  }
  const chunks = () => exportBundle(ctx, fhir, n => progress(entries.length + n, total))
  if (fhir.length) yield { name: 'fhir-bundle.json', size: null, time: now, chunks }
  if (fhir.length) yield json('patient-summary.json', now, await summarise(ctx, entries))
  yield json('who-looked.json', now, await logOf(ctx))
  const proof = await attempted(() => proveTrail(ctx))
  if (proof) yield whole('who-looked.proof', now, trailFile(proof))
}

/** A log that does not hold is said so in `who-looked.json`; there is nothing then that a stranger could check. */
async function attempted<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return null
  }
}

function whole(name: string, time: number, bytes: Uint8Array): ExportPart {
  const chunks = async function* () {
    yield bytes
  }
  return { name, size: bytes.length, time, chunks }
}

const json = (name: string, time: number, value: unknown): ExportPart => whole(name, time, utf8(`${JSON.stringify(value, null, 1)}\n`))

function identityOf(ring: Keyring): unknown {
  const bundle = peek(ownBundle(ring).signed, bundleMessage)
  return {
    did: ring.did,
    name: ring.name,
    fingerprint: fingerprint(bundle),
    relays: bundle.relays,
    contracts: bundle.manifest,
    devices: ring.devices.map(d => ({ name: d.name, since: isoTime(d.addedAt) })),
    bundle: toBase64Url(encodeBundle(ownBundle(ring))),
  }
}

function sharesOf(ctx: Exporting): unknown {
  const { ring } = ctx.session.state
  const parts = new Map(ring.compartments.map(c => [toHex(c.id), c.name]))
  const plain = (t: Terms, named: (id: Uint8Array) => string) => ({
    level: t.level,
    parts: t.compartments.map(named),
    records: t.records.map(toHex),
    purposes: t.purposes,
    from: isoTime(t.notBefore),
    until: isoTime(t.expiry),
  })
  const given = ring.given.map(g => ({
    to: g.grantee,
    name: g.name,
    state: g.state,
    ...plain(readTerms(decodeTerms(g.terms).signed), id => parts.get(toHex(id)) ?? toHex(id)),
    signed: toBase64Url(g.terms),
  }))
  const received = receivedGrants(ctx).map(({ grant, terms, package: { compartments } }) => {
    const theirs = new Map(compartments.map(c => [toHex(c.id), c.name]))
    return {
      owner: grant.patient,
      name: grant.name,
      ...plain(terms, id => theirs.get(toHex(id)) ?? toHex(id)),
      signed: toBase64Url(grant.terms),
    }
  })
  const contacts = ring.contacts.map(({ did, name, verified, at }) => ({ did, name, verified, since: isoTime(at) }))
  return { given, received, contacts }
}

async function logOf(ctx: Exporting): Promise<unknown> {
  const { looked, anchored, problems } = await verifyTrail(ctx)
  const parts = new Map(ctx.session.state.ring.compartments.map(c => [toHex(c.id), c.name]))
  const line = ({ receipt: r, name, reader }: Looked) => ({
    number: r.seq,
    time: isoTime(r.time),
    who: r.actor,
    name,
    ...(r.person ? { person: r.person } : {}),
    ...(r.role ? { role: r.role } : {}),
    action: r.action,
    verdict: r.verdict,
    ...(r.reasons.length ? { reasons: r.reasons } : {}),
    purpose: r.purpose,
    ...(r.grant ? { share: toHex(r.grant) } : {}),
    parts: r.compartments.map(id => parts.get(toHex(id)) ?? toHex(id)),
    records: r.ids.map(toHex),
    signatureOfReader: reader,
  })
  return {
    anchored: anchored ? { receipts: anchored.size, time: isoTime(anchored.time) } : null,
    problems,
    looked: looked.map(line),
  }
}
