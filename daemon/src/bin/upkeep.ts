import type { EnvelopeStore } from '@keepwell/sdk/ports/envelopes'
import type { Log } from '@keepwell/sdk/ports/log'
import type { Upkeep } from '@keepwell/sdk/relay/relay'

export type UpkeepOptions = {
  readonly relay: Pick<Upkeep, 'anchor'>
  readonly envelopes: Pick<EnvelopeStore, 'vaults'>
  readonly log: Pick<Log, 'size'>
  readonly anchorSeconds: number
  readonly headSeconds: number
  /** Milliseconds, only ever subtracted. */
  readonly now: () => number
  readonly failed: (error: unknown) => void
}

const MAX_BACKOFF = 60_000

/**
 * Anchors when records wait, within `anchorSeconds`, and publishes the log's head when it grew, within `headSeconds`. What fails is reported
 * and tried again, less and less often. `stop` waits for what is under way.
 */
export function startUpkeep(o: UpkeepOptions): { stop(): Promise<void> } {
  let published = { size: -1, at: Number.NEGATIVE_INFINITY }
  let failures = 0
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  async function tick(): Promise<void> {
    const size = await o.log.size()
    const headDue = size !== published.size && o.now() - published.at >= o.headSeconds * 1000
    if (!headDue && !(await o.envelopes.vaults('unanchored')).length) return
    await o.relay.anchor()
    published = { size, at: o.now() }
  }

  function schedule(): void {
    if (stopped) return
    const pace = o.anchorSeconds * 500
    timer = setTimeout(run, Math.min(MAX_BACKOFF, pace * 2 ** Math.min(failures, 10)))
    timer.unref()
  }

  function run(): void {
    running = tick()
      .then(() => {
        failures = 0
      })
      .catch(error => {
        failures++
        o.failed(error)
      })
      .finally(schedule)
  }

  schedule()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
