/** Listener, queue and delivery as one thing to start and stop. */
import { text, utf8 } from '@keepwell/sdk/base/bytes'
import type { Gauge } from '#http/metrics'
import { countersFrom } from './counters.ts'
import { pump } from './deliver.ts'
import type { Intake } from './intake.ts'
import { keepOf } from './keep.ts'
import { type Listening, type ListenOptions, listen } from './listen.ts'
import { openMapper } from './mapper.ts'
import { openSpool, type Row, type State } from './spool.ts'

export type ServiceInput = {
  /** The queue's file, in the gateway's home. */
  readonly file: string
  /** 32 bytes that only this home has. */
  readonly secret: Uint8Array
  readonly intake: Intake
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  readonly listen: Omit<ListenOptions, 'onStored'>
  readonly zone?: string
  readonly maxWaiting?: number
  /** Milliseconds between looks at what another process, or a patient, has changed. */
  readonly look?: number
}

export type Service = { readonly port: number; gauges(): Gauge[]; idle(): Promise<void>; close(): Promise<void> }

const MAX_WAITING = 1_000_000
const LOOK = 2000
/** A sender that repeats a message after this long sends a new one (seconds). */
const REMEMBERED = 90 * 86_400

export async function startService(input: ServiceInput): Promise<Service> {
  const { clock, random, intake } = input
  const spool = openSpool(input.file)
  const keep = keepOf(input.secret, random)
  const counters = countersFrom(spool.counts())
  const mapper = openMapper()
  const work = pump({ spool, keep, intake, mapper, counters, ...(input.zone ? { zone: input.zone } : {}) })
  const accepting = { spool, keep, clock, random, counters, maxWaiting: input.maxWaiting ?? MAX_WAITING }
  let listening: Listening
  try {
    await spool.prune(clock() - REMEMBERED)
    listening = await listen(accepting, { ...input.listen, onStored: work.wake })
  } catch (e) {
    await mapper.close()
    await spool.close()
    throw e
  }
  const look = async (): Promise<void> => {
    const held = new Set(spool.list('held').flatMap(r => r.patient || []))
    for (const patient of held) if (intake.writable(patient)) await spool.release(patient)
    counters.refresh(spool.counts())
    work.wake()
  }
  const timer = setInterval(() => void look().catch(() => {}), input.look ?? LOOK)
  timer.unref()
  work.wake()
  return {
    port: listening.port,
    gauges() {
      counters.refresh(spool.counts())
      return counters.gauges()
    },
    idle: work.idle,
    async close() {
      clearInterval(timer)
      await listening.close()
      await work.stop()
      await mapper.close()
      await spool.close()
    },
  }
}

/** What an operator may see and do with the queue; also while the service runs in another process. */
export type Desk = {
  list(state: State): Pick<Row, 'seq' | 'type' | 'state' | 'reason' | 'at' | 'patient'>[]
  counts(): Readonly<Record<State, number>>
  /** The message as it came; null when it is gone. */
  original(seq: number): Promise<Uint8Array | null>
  /** Tries it again. */
  replay(seqs: readonly number[]): Promise<void>
  /** Says whose a message is that names nobody the gateway knows. */
  assign(seq: number, patient: string): Promise<void>
  drop(seqs: readonly number[]): Promise<void>
  /** Leaves nothing of what was removed in any file. */
  scrub(): Promise<void>
  /** `identifier` as `authority|value` of PID-3. Returns how many held messages go on their way. */
  link(identifier: string, patient: string): Promise<number>
  unlink(identifier: string): Promise<void>
  links(): Promise<{ identifier: string; patient: string }[]>
  /** Whose it is; null for one that was not linked. */
  patientOf(identifier: string): string | null
  close(): Promise<void>
}

export function openDesk(input: Pick<ServiceInput, 'file' | 'secret' | 'random'>): Desk {
  const spool = openSpool(input.file)
  const keep = keepOf(input.secret, input.random)
  const find = (seq: number): Row | undefined => (['quarantined', 'held', 'waiting'] as const).flatMap(spool.list).find(r => r.seq === seq)
  return {
    list: state => spool.list(state).map(({ seq, type, state: s, reason, at, patient }) => ({ seq, type, state: s, reason, at, patient })),
    counts: spool.counts,
    async original(seq) {
      const row = find(seq)
      return row ? keep.open(row.mark, row.sealed) : null
    },
    async replay(seqs) {
      const known = spool.list('quarantined')
      const of = (patient: boolean): number[] => seqs.filter(q => known.some(r => r.seq === q && (r.patient !== '') === patient))
      await spool.put(of(true), 'waiting', '')
      // Without a patient it can only wait for one.
      await spool.put(of(false), 'held', 'unknown-patient')
    },
    assign: (seq, patient) => spool.assign(seq, patient, keep.mark('line', patient)),
    drop: spool.drop,
    scrub: spool.scrub,
    link(identifier, patient) {
      const mark = keep.mark('identifier', identifier)
      return keep
        .seal(mark, utf8(identifier))
        .then(sealed => spool.link({ identifier: mark, patient, line: keep.mark('line', patient), sealed }))
    },
    unlink: identifier => spool.unlink(keep.mark('identifier', identifier)),
    links: () =>
      Promise.all(spool.links().map(async l => ({ identifier: text(await keep.open(l.identifier, l.sealed)), patient: l.patient }))),
    patientOf: identifier => spool.patientOf(keep.mark('identifier', identifier)),
    close: spool.close,
  }
}
