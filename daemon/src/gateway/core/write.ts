import type { Ctx } from '@keepwell/sdk/actions/context'
import { type Describer, describeCard, describeHere } from '@keepwell/sdk/actions/records/import-describe'
import { MAX_LISTED, type Verdict } from '@keepwell/sdk/actions/records/import-item'
import { submitItems } from '@keepwell/sdk/actions/records/submit-items'
import { type SubmittedDraft, submitRecords } from '@keepwell/sdk/actions/records/submit-records'
import { fromHex, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { isoTime } from '@keepwell/sdk/base/time'
import { type Checker, loadChecker } from '@keepwell/sdk/health/fhir/check'
import { isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import { loadNames, type NameOf, withNames } from '@keepwell/sdk/health/terminology/names'
import type { Meta } from '@keepwell/sdk/records/plain'
import { stamp } from './as-fhir.ts'
import type { Ids } from './ids.ts'
import type { Written } from './memory.ts'
import { type Trail, type Under, writes } from './trail.ts'
import type { Actor, GatewayPatient, GivingVault, Submission, Submitted } from './types.ts'

export type Writing = {
  readonly ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>
  readonly ids: Ids
  readonly name: string
  readonly actor: Actor
  readonly patient: GatewayPatient
  /** Of this vault of theirs. */
  readonly vault: GivingVault
  readonly trail: Trail
  readonly describe: Describer | undefined
  /** Throws when nothing may be filed into that part, by name. */
  readonly mayFile: (compartment: string) => void
  readonly under: Under
}

type Resources = Extract<Submission, { resources: unknown }>['resources']
type Prepared = { readonly draft: SubmittedDraft; readonly verdict: Verdict; readonly resource: FhirResource }

/** Records that a relay files in one step: what is written together stands together, or not at all. */
export const MAX_TOGETHER = 4000

/**
 * Resources as records of a patient, signed by the organisation, with one Provenance that names the person who wrote them. Filed in one step
 * of the relay; resolves when it has accepted them.
 */
export async function writeResources(w: Writing, resources: Resources): Promise<{ verdicts: Submitted[]; written: Written[] }> {
  const { ctx, actor, vault } = w
  const check = resources.some(r => !r.issues) ? await loadChecker() : null
  const nameOf = await loadNames()
  const made = resources.map(r => prepare(w, r, { check, nameOf }))
  for (const { draft } of made) w.mayFile(draft.compartmentName)
  const all = [...made, provenance(w, made, nameOf)]
  const references = new Map(all.map(p => [p.verdict.id!, `${p.resource.resourceType}/${String(p.resource.id)}`]))
  const noted = writes(w.trail, actor, vault.id, ctx.clock(), w.under)
  const sent = await submitRecords(ctx, {
    to: vault.did,
    purpose: actor.purpose,
    person: actor.person,
    role: actor.role,
    accepted: (acceptance, firstSeq, ids) => noted(acceptance, firstSeq, ids, references),
    drafts: all.map(p => p.draft),
  })
  const compartments = new Map(sent.map(s => [s.id, s.compartment]))
  return {
    verdicts: made.map(({ verdict, resource }) => ({
      ...verdict,
      resource,
      compartment: compartments.get(verdict.id!) ?? verdict.compartment!,
    })),
    written: all.map(({ draft, resource }) => ({ meta: metaOf(w, draft), resource })),
  }
}

type Knowing = { readonly check: Checker | null; readonly nameOf: NameOf }

function prepare({ ctx }: Writing, { resource, prior, issues }: Resources[number], { check, nameOf }: Knowing): Prepared {
  const { meta, ...rest } = resource
  const kept = isObject(meta) ? Object.fromEntries(Object.entries(meta).filter(([k]) => k !== 'versionId' && k !== 'lastUpdated')) : {}
  const { resourceType, id, ...content } = rest
  const signed = { resourceType, id, ...(Object.keys(kept).length ? { meta: kept } : {}), ...content }
  const bytes = utf8(JSON.stringify(signed))
  const facts = describeCard(issues ? () => [...issues] : check!, { bytes, resource: signed }, { shown: withNames(signed, nameOf) })
  const recordId = ctx.random(16)
  const authoredAt = ctx.clock()
  const stamped = { ...signed, meta: { ...kept, ...stamp({ id: recordId, authoredAt }) } }
  return {
    resource: stamped as FhirResource,
    draft: {
      id: recordId,
      kind: facts.kind,
      mediaType: facts.mediaType,
      compartmentName: facts.compartment,
      authoredAt,
      body: bytes,
      facts: facts.facts,
      ...(prior ? { prior: fromHex(prior) } : {}),
    },
    verdict: {
      item: `${String(resourceType)}/${String(id)}`,
      place: '',
      outcome: facts.issues.some(i => i.severity === 'error') ? 'taken-with-issues' : 'taken',
      id: toHex(recordId),
      kind: 'fhir',
      resourceType: String(resourceType),
      compartment: facts.compartment,
      placed: facts.placed,
      ...(prior ? { prior } : {}),
      ...(facts.issues.length ? { issueCount: facts.issues.length, issues: facts.issues.slice(0, MAX_LISTED) } : {}),
    },
  }
}

const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type'

/** Who wrote it, for whom: filed where the first of the records is, so that it says nothing elsewhere. */
function provenance(w: Writing, made: readonly Prepared[], nameOf: NameOf): Prepared {
  const { ctx, ids, actor, patient, name } = w
  const resource = {
    resourceType: 'Provenance',
    id: ids.fresh(patient.id),
    target: made.map(m => ({ reference: `${m.resource.resourceType}/${String(m.resource.id)}/_history/${m.verdict.id}` })),
    recorded: isoTime(ctx.clock()),
    agent: [
      {
        type: { coding: [{ system: PARTICIPATION, code: 'author' }] },
        role: [{ text: actor.role }],
        who: { display: actor.person },
        onBehalfOf: { display: name },
      },
    ],
  } satisfies JsonObject
  const prepared = prepare(w, { resource, issues: [] }, { check: null, nameOf })
  return { ...prepared, draft: { ...prepared.draft, compartmentName: made[0]!.draft.compartmentName } }
}

/** The part of the signed meta that a session goes by. */
const metaOf = ({ ctx }: Writing, draft: SubmittedDraft): Meta => ({
  v: 1,
  id: draft.id,
  authorSalt: new Uint8Array(32),
  subject: '',
  author: ctx.session.state.ring.did,
  kind: draft.kind,
  mediaType: draft.mediaType,
  authoredAt: draft.authoredAt,
  ...(draft.prior ? { prior: draft.prior } : {}),
  size: 0,
  bodyHash: new Uint8Array(32),
})

/** Files of any kind, split and described as an import does. */
export async function writeItems(
  { ctx, actor, vault, trail, mayFile, under, describe = describeHere() }: Writing,
  items: Extract<Submission, { items: unknown }>['items'],
): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  const { person, role, purpose } = actor
  const accepted = writes(trail, actor, vault.id, ctx.clock(), under)
  for await (const verdict of submitItems(ctx, items, { to: vault.did, purpose, person, role, accepted, mayFile, describe }))
    verdicts.push(verdict)
  return verdicts
}
