import { type ErrorCode, isKeepwellError } from '@keepwell/sdk/base/error'
import { type Infer, int, list, nullable, object, string } from '@keepwell/sdk/base/shape'

/** For the person, in English for the log and by a code for their app, which has words for it in each language. Numbers fill in as numbers. */
export type Warning = { readonly text: string; readonly code: string; readonly values: Readonly<Record<string, string | number>> }

/** What a job has to tell: one line without health data, and a warning when the person has to do something. */
export type Said = { readonly said: string; readonly warning?: Warning }

export type Job = {
  readonly name: string
  /** Seconds from one run to the next. */
  readonly every: number
  run(): Promise<Said>
}

/** What is known of one job: kept between processes, and shown by the status. Times are Unix seconds, 0: never. */
const jobState = object({
  name: string(40),
  started: int(),
  succeeded: int(),
  failures: int(),
  /** The code of the last failure. */
  failed: nullable(string(40)),
  said: string(500),
  warning: nullable(string(500)),
})
export const agentState = object({ v: int(1, 1), at: int(), jobs: list(jobState, 32) })
export type JobState = Infer<typeof jobState>
export type AgentState = Infer<typeof agentState>

export type Agent = {
  readonly jobs: readonly Job[]
  readonly clock: () => number
  readonly signal: AbortSignal
  load(): Promise<AgentState | null>
  save(state: AgentState): Promise<void>
  /** A line for the log. */
  log(line: string): void
  /** Tells the person; called once for each warning, and again only after it was gone. */
  warn(warning: Warning): Promise<void>
  /** Waits so many seconds, or until it is to stop. */
  pause(seconds: number): Promise<void>
}

const FIRST_RETRY = 60
const LONGEST_PAUSE = 300
const PATIENCE = 3

const fresh = (name: string): JobState => ({ name, started: 0, succeeded: 0, failures: 0, failed: null, said: '', warning: null })

/** When it is to run again: after its time, or, while it fails, sooner and then less and less often. */
export const nextRun = ({ every }: Pick<Job, 'every'>, s: JobState): number =>
  s.started + (s.failures ? Math.min(every, FIRST_RETRY * 2 ** (s.failures - 1)) : every)

/**
 * Runs each job when it is due, one after the other, until it is told to stop: a job under way is finished first. What fails is written
 * down by its code and tried again. `once` runs everything now, and ends; it resolves to the state.
 */
export async function runAgent(agent: Agent, options: { readonly once?: boolean } = {}): Promise<AgentState> {
  const { jobs, clock, signal } = agent
  const kept = await agent.load()
  const states = new Map(jobs.map(j => [j.name, kept?.jobs.find(s => s.name === j.name) ?? fresh(j.name)]))
  const now = (): AgentState => ({ v: 1, at: clock(), jobs: [...states.values()] })
  for (;;) {
    for (const job of jobs) {
      if (signal.aborted) return now()
      const before = states.get(job.name)!
      // A clock that was put back must not keep a job from running for years.
      const due = before.started > clock() || nextRun(job, before) <= clock()
      if (!due && !options.once) continue
      states.set(job.name, await runOne(agent, job, before))
      await agent.save(now())
    }
    if (options.once || signal.aborted) return now()
    const next = Math.min(...jobs.map(j => nextRun(j, states.get(j.name)!)))
    await agent.pause(Math.min(LONGEST_PAUSE, Math.max(1, next - clock())))
  }
}

async function runOne(agent: Agent, job: Job, before: JobState): Promise<JobState> {
  const started = agent.clock()
  try {
    const { said, warning } = await job.run()
    agent.log(`${job.name}: ${said}`)
    const after = { ...before, started, succeeded: agent.clock(), failures: 0, failed: null, said }
    return { ...after, warning: await tell(agent, before.warning, warning ?? null) }
  } catch (e) {
    const code: ErrorCode = isKeepwellError(e) ? e.code : 'DEFECT'
    const failures = before.failures + 1
    agent.log(`${job.name}: failed (${code})`)
    // Once is a bad connection; three times in a row is for a person.
    const text = `Your vault could not finish “${job.name}” (${code}).`
    const warning = failures < PATIENCE ? null : { text, code: 'failed', values: { job: job.name, error: code } }
    return { ...before, started, failures, failed: code, warning: warning ? await tell(agent, before.warning, warning) : before.warning }
  }
}

/** Returns what the person has been told; null when they could not be, so that it is tried again. */
async function tell(agent: Agent, before: string | null, warning: Warning | null): Promise<string | null> {
  if (!warning || warning.text === before) return warning?.text ?? null
  agent.log(`warning: ${warning.text}`)
  return agent.warn(warning).then(
    () => warning.text,
    () => null,
  )
}
