import type { Ctx, Progress } from '#actions/context'
import { KeepwellError } from '#base/error'
import type { Purpose } from '#consent/terms'
import type { Did } from '#identity/did'
import { type Describer, describeHere } from './import-describe.ts'
import type { ImportItem, Verdict } from './import-item.ts'
import type { Known } from './import-known.ts'
import { batches } from './import-stream.ts'
import { type Unit, unitsOf } from './import-units.ts'
import { submitRecords, type Writer } from './submit-records.ts'

type Submitting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

export type SubmitItems = Writer & {
  readonly to: Did
  readonly purpose: Purpose
  readonly describe?: Describer
  /** Throws when nothing may be filed into the part of that name; asked before anything of a batch is sent. */
  readonly mayFile?: (compartment: string) => void
  readonly base?: string
  readonly progress?: Progress
  readonly signal?: AbortSignal
}

const BATCH = {
  count: 256,
  bytes: 32 << 20,
  sizeOf: ({ draft }: Unit) => (draft?.body instanceof Uint8Array ? draft.body.length : 8 << 20),
}

/** A writer cannot see what is in the other vault, so it only leaves out what it sends twice itself. */
function nothingKnown(): Known {
  const sent = new Map<string, Uint8Array>()
  const key = (source: string | undefined, canonical: Uint8Array | undefined) => `${source ?? ''}\n${canonical?.join() ?? ''}`
  return {
    claim({ source, canonical }, id) {
      const there = sent.get(key(source, canonical))
      if (there) return { state: 'there', id: there }
      sent.set(key(source, canonical), id)
      return { state: 'new' }
    },
    release: ({ source, canonical }) => void sent.delete(key(source, canonical)),
  }
}

/**
 * Sends files into another party's vault under its write consent, split and described as an import does. What the consent does not
 * cover goes to that vault's inbox, and its owner files it. Throws NO_GRANT, DENIED.
 */
export async function* submitItems(ctx: Submitting, source: AsyncIterable<ImportItem>, input: SubmitItems): AsyncGenerator<Verdict> {
  const { to, purpose, signal, progress = () => {}, mayFile = () => {}, person, role, accepted } = input
  const writer = { ...(person ? { person } : {}), ...(role ? { role } : {}), ...(accepted ? { accepted } : {}) }
  const intake = { ctx, known: nothingKnown(), describe: input.describe ?? describeHere(input.base) }
  async function* units(): AsyncGenerator<Unit> {
    for await (const item of source)
      for await (const unit of unitsOf(intake, item)) {
        if (signal?.aborted) throw new KeepwellError('CANCELLED', 'The submission was cancelled; what was acknowledged is kept.')
        yield unit
      }
  }
  let done = 0
  for await (const group of batches(units(), BATCH)) {
    const drafts = group.flatMap(({ draft, verdict }) => {
      if (!draft) return []
      const { compartment: _own, ...rest } = draft
      return [{ ...rest, compartmentName: verdict.compartment ?? 'general' }]
    })
    for (const d of drafts) mayFile(d.compartmentName)
    const sent = new Map(
      (drafts.length ? await submitRecords(ctx, { to, purpose, drafts, ...writer }) : []).map(s => [s.id, s.compartment]),
    )
    for (const { verdict } of group) {
      const compartment = verdict.id && sent.get(verdict.id)
      yield compartment ? { ...verdict, compartment } : verdict
    }
    done += group.length
    progress(done, null)
  }
}
