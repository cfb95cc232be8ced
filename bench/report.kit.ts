import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { cpus, loadavg } from 'node:os'
import { performance } from 'node:perf_hooks'
import { threadId } from 'node:worker_threads'

export type Row = { readonly what: string; readonly value: number; readonly unit: string; readonly note?: string }

export type Timing = { readonly seconds: number; readonly cpu: number }

/** Wall and processor seconds of this process, all its threads included. */
export async function timed<T>(work: () => Promise<T>): Promise<Timing & { readonly result: T }> {
  const [t, c] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const used = process.cpuUsage(c)
  return { seconds: (performance.now() - t) / 1000, cpu: (used.user + used.system) / 1e6, result }
}

export const quantile = (values: ArrayLike<number>, q: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!
}
export const median = (values: readonly number[]): number => quantile(values, 0.5)

const digits = (v: number): number => (Math.abs(v) < 10 ? 2 : Math.abs(v) < 100 ? 1 : 0)

/** Prints the rows of a figure, as a table or as JSON. */
export function report(title: string, rows: readonly Row[], json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ figure: title, cores: cpus().length, load: loadavg()[0], rows }))
    return
  }
  console.log(`${title}, on ${cpus().length} cores with a load of ${loadavg()[0]!.toFixed(1)}`)
  for (const { what, value, unit, note } of rows)
    console.log(`  ${what.padEnd(58)} ${value.toFixed(digits(value)).padStart(9)} ${unit}${note ? `  (${note})` : ''}`)
}

type Frame = { readonly functionName: string; readonly url: string; readonly lineNumber: number }
type Profile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[]
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

/** Runs `work` under the sampling profiler of this thread and prints where its time went, by function. */
export async function profiled<T>(work: () => Promise<T>, top = 25): Promise<T> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  const result = await work()
  const { profile } = (await session.post('Profiler.stop')) as { profile: Profile }
  session.disconnect()
  if (process.env.BENCH_PROFILE) await writeFile(process.env.BENCH_PROFILE, JSON.stringify(profile))
  const names = new Map(
    profile.nodes.map(({ id, callFrame: f }) => [
      id,
      `${f.functionName || '(anonymous)'} ${f.url.replace(/^.*\/(node_modules\/)?/, '')}:${f.lineNumber + 1}`,
    ]),
  )
  const self = new Map<string, number>()
  profile.samples?.forEach((id, i) => {
    const name = names.get(id)!
    self.set(name, (self.get(name) ?? 0) + profile.timeDeltas![i]! / 1000)
  })
  console.error(`thread ${threadId}, ms by function:`)
  for (const [name, ms] of [...self].sort((a, b) => b[1] - a[1]).slice(0, top)) console.error(`  ${ms.toFixed(0).padStart(7)}  ${name}`)
  return result
}
