import type { Ctx, Progress } from '#actions/context'
import { readU64, u64be } from '#base/bytes'
import { type ErrorCode, isKeepwellError, KeepwellError } from '#base/error'
import { type Filed, fileRecords } from './file-records.ts'
import { type Describer, describeHere } from './import-describe.ts'
import type { ImportItem, Verdict } from './import-item.ts'
import { type Known, knownRecords } from './import-known.ts'
import { batches, mapAhead } from './import-stream.ts'
import { failed, type Intake, type Unit, unitsOf } from './import-units.ts'
import { hold, mayWait } from './outbox.ts'
import { receiveRecords, SEQ_MARK } from './receive-records.ts'
import { compartmentNamed } from './secrets.ts'

type Importing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session' | 'copies' | 'outbox'>

export type ImportOptions = {
  /** Names the source, for resources whose ids are unique only there. */
  readonly base?: string
  /** Files everything in this compartment instead of by the filing table. */
  readonly compartment?: string
  /** What comes is what its source holds now: where an older version here says the same, it is a new version all the same. */
  readonly current?: boolean
  /** Records filed at once; fewer are on record sooner where the source is slow. */
  readonly batch?: number
  /** Where resources are checked and described; default: in this thread. */
  readonly describe?: Describer
  readonly progress?: Progress
  readonly signal?: AbortSignal
}

/** Drafts filed at once: one upload, one transaction at the relay. */
const BATCH = { count: 512, bytes: 8 << 20 }
/** Batches on their way: while one waits for the disk, the next is sealed. */
const IN_FLIGHT = 2

/** What would befall every further item as well: the import stops, and what was acknowledged stays. */
const FATAL = new Set<ErrorCode>([
  'RELAY_UNREACHABLE',
  'STORAGE_FULL',
  'STORAGE_FAILED',
  'STORAGE_CORRUPT',
  'LOCKED',
  'LEDGER_LOCKED',
  'RATE_LIMITED',
  'STOPPING',
  'CLOCK_SKEW',
  'CANCELLED',
  'HEAD_ROLLBACK',
  'UNKNOWN_PARTY',
])

/**
 * Takes foreign files into the vault: FHIR JSON of any shape resource by resource, DICOM instances, and everything else as documents. The
 * bytes of each record stay exactly as they came. Yields one verdict per record, after the relay acknowledged it. Memory is bounded
 * by the batch, whatever the size of the source. Running it again files only what is missing, even when it was killed: what the relay
 * holds is listed first. With an outbox, what finds no relay waits there, sealed, and its verdict says so.
 * @throws KeepwellError for what ends the whole import (no relay, no space, cancelled); verdicts given before it stand.
 */
export async function* importItems(
  ctx: Importing,
  source: AsyncIterable<ImportItem>,
  options: ImportOptions = {},
): AsyncGenerator<Verdict> {
  const { signal, compartment, progress = () => {} } = options
  if (compartment !== undefined) compartmentNamed(ctx.session.state.ring, compartment)
  const filing: Filing = { ctx, written: [], failures: new Map(), waiting: new Set(), lost: false }
  try {
    await receiveRecords(ctx)
  } catch (e) {
    if (!mayWait(ctx, e)) throw e
    filing.lost = true
  }
  const intake: Intake = {
    ctx,
    known: await knownRecords(ctx),
    describe: options.describe ?? describeHere(options.base),
    ...(compartment === undefined ? {} : { compartment }),
    current: options.current === true,
  }
  const grouped = batches(unitsIn(intake, source, signal), { ...BATCH, count: options.batch ?? BATCH.count, sizeOf: weight })
  let done = 0
  for await (const verdicts of mapAhead(grouped, IN_FLIGHT, units => fileUnits(filing, intake.known, units))) {
    for (const verdict of verdicts) yield verdict
    done += verdicts.length
    progress(done, null)
  }
  await advance(ctx, filing.written)
}

/** Write numbers of one submission. */
type Written = { readonly from: number; readonly to: number }

/** What was written here need not be listed again: the mark moves over it, as far as nobody else wrote in between. */
async function advance(ctx: Importing, written: readonly Written[]): Promise<void> {
  const mark = await ctx.catalog.marked(SEQ_MARK)
  const before = mark ? readU64(mark) : 0
  let seen = before
  for (const { from, to } of written.toSorted((a, b) => a.from - b.from)) if (from === seen + 1) seen = to
  if (seen > before) await ctx.catalog.mark(SEQ_MARK, u64be(seen))
}

async function* unitsIn(intake: Intake, source: AsyncIterable<ImportItem>, signal: AbortSignal | undefined): AsyncGenerator<Unit> {
  for await (const item of source) {
    for await (const unit of unitsOf(intake, item)) {
      if (signal?.aborted) throw new KeepwellError('CANCELLED', 'The import was cancelled; what was acknowledged is kept.')
      yield unit
    }
  }
}

/** A streamed body is worth a batch of its own. */
const weight = ({ draft }: Unit): number => (draft ? (draft.body instanceof Uint8Array ? draft.body.length + 2048 : BATCH.bytes) : 64)

/** One import as it goes on. */
type Filing = {
  readonly ctx: Importing
  readonly written: Written[]
  readonly failures: Map<Filed, unknown>
  readonly waiting: Set<Filed>
  /** No relay was found: what comes waits. */
  lost: boolean
}

async function fileUnits(filing: Filing, known: Known, units: readonly Unit[]): Promise<Verdict[]> {
  const { failures, waiting } = filing
  await fileAll(
    filing,
    units.flatMap(u => u.draft ?? []),
  )
  return units.map(({ verdict, draft }) => {
    if (draft && waiting.delete(draft)) return { ...verdict, waiting: true }
    const failure = draft && failures.get(draft)
    if (!draft || failure === undefined) return verdict
    known.release(draft.facts, draft.id, draft.prior)
    return failed({ name: verdict.item }, verdict.place, failure).verdict
  })
}

/** Files a batch; when it fails, its halves, so that in the end only the bad records fail. */
async function fileAll(filing: Filing, drafts: readonly Filed[]): Promise<void> {
  const { ctx, written, failures } = filing
  try {
    if (filing.lost) return await holdAll(filing, drafts)
    const seqs = (await fileRecords(ctx, drafts)).map(e => e.seq)
    if (seqs.length) written.push({ from: Math.min(...seqs), to: Math.max(...seqs) })
  } catch (e) {
    if (mayWait(ctx, e)) {
      // The same drafts, under the same ids: whatever of them the relay took before the connection broke is found there later.
      filing.lost = true
      return holdAll(filing, drafts)
    }
    if (isKeepwellError(e) && FATAL.has(e.code)) throw e
    if (drafts.length === 1) {
      failures.set(drafts[0]!, e)
      return
    }
    const middle = drafts.length >> 1
    await fileAll(filing, drafts.slice(0, middle))
    await fileAll(filing, drafts.slice(middle))
  }
}

async function holdAll({ ctx, waiting, failures }: Filing, drafts: readonly Filed[]): Promise<void> {
  for (const draft of drafts)
    try {
      await hold(ctx, draft)
      waiting.add(draft)
    } catch (e) {
      if (!isKeepwellError(e, 'TOO_LARGE')) throw e
      failures.set(draft, e)
    }
}
