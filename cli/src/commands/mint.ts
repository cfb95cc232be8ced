import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { entryOf } from '@keepwell/sdk/actions/records/list-entries'
import { attestMilestone, mintMilestone } from '@keepwell/sdk/actions/records/mint-milestone'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { MILESTONES, type Milestone } from '@keepwell/sdk/records/card'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { Command } from '#command'
import { withHome } from '#home'
import { entryNamed } from '#names'
import { result, safe } from '#show'

const BY_TYPE: Readonly<Record<string, Milestone>> = {
  Immunization: 'Vaccination',
  Procedure: 'MajorProcedure',
  Goal: 'ChronicAchievement',
  Condition: 'ChronicAchievement',
}

export const mint: Command = {
  name: 'mint',
  group: 'records',
  takes: 'ID',
  summary: 'Make a keepsake token of a milestone, e.g. a vaccination.',
  about:
    'The ledger shows that some token exists and to which fresh address, not what it stands for and not whose it is. It cannot be sold or sent; erasing the record burns it.',
  options: { milestone: { type: 'string', value: 'KIND', about: `What it is: ${MILESTONES.join(', ')}; default by type.` } },
  run: (io, args) =>
    withHome(io, args, async ({ ctx, embedded, anchorNow }) => {
      const entry = await entryNamed(ctx, args.one('ID'))
      const kind = milestoneOf(args.text('milestone'), entry)
      const attested = await attestMilestone(ctx, entry, kind)
      if (embedded) await anchorNow()
      for (let tries = 0; ; tries++) {
        await confirmAnchors(ctx, [attested])
        const anchored = (await entryOf(ctx, attested.id)) ?? attested
        if (anchored.anchor) break
        ensure(tries < 60, 'NOT_ANCHORED', 'The record is not anchored yet; run the same command again in a minute.')
        io.progress('Waiting for the ledger …')
        await new Promise(resolve => setTimeout(resolve, 500))
      }
      const [opened] = await openRecords(ctx, [entry.id])
      ensure(opened, 'NOT_FOUND', 'The record is not at the relay.')
      const details = kind === 'Vaccination' ? vaccineOf(opened.body) : undefined
      const written = await mintMilestone(ctx, attested, {
        recordType: kind,
        provider: entry.card.author,
        timestamp: ctx.clock(),
        ...(details ? { vaccineDetails: details } : {}),
        verificationProof: { record: entry.id, leaf: entry.leaf },
      })
      result(io, args, written, () => [`${safe(entry.card.title)} is now a token of yours (transaction ${written.tx}).`])
    }),
}

function milestoneOf(given: string | undefined, e: Entry): Milestone {
  const found = given === undefined ? BY_TYPE[e.card.resourceType ?? ''] : MILESTONES.find(m => m.toLowerCase() === given.toLowerCase())
  ensure(found, 'USAGE', `Say what milestone this is: --milestone ${MILESTONES.join(' | ')}`)
  return found
}

type Vaccine = { name: string; manufacturer?: string; lotNumber?: string; date?: string }

/** What a FHIR Immunization says of the vaccine; undefined when the record is something else. */
export function vaccineOf(body: Uint8Array): Vaccine | undefined {
  try {
    const r = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>
    const concept = r.vaccineCode as { text?: string; coding?: { display?: string; code?: string }[] } | undefined
    const name = concept?.text ?? concept?.coding?.[0]?.display ?? concept?.coding?.[0]?.code
    const manufacturer = (r.manufacturer as { display?: string } | undefined)?.display
    if (r.resourceType !== 'Immunization' || typeof name !== 'string') return undefined
    return {
      name: name.slice(0, 200),
      ...(typeof manufacturer === 'string' ? { manufacturer: manufacturer.slice(0, 200) } : {}),
      ...(typeof r.lotNumber === 'string' ? { lotNumber: r.lotNumber.slice(0, 80) } : {}),
      ...(typeof r.occurrenceDateTime === 'string' ? { date: r.occurrenceDateTime.slice(0, 40) } : {}),
    }
  } catch (e) {
    if (isKeepwellError(e)) throw e
    return undefined
  }
}
