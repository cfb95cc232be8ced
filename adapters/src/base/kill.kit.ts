import { spawn } from 'node:child_process'

/** Rounds of a crash test: few by default, many with KEEPWELL_DEEP=1. */
export const ROUNDS = process.env.KEEPWELL_DEEP ? 40 : 4

/** Every other round is let get this far, so that something is tried however slow the machine: the others may end as they begin. */
const FAR = 40

/**
 * Runs a child program and ends it with SIGKILL some milliseconds after a line of its; gives the whole lines it printed. What a child has
 * printed it had been promised. Which line and how long after it is spread over the rounds, and the same in every run.
 */
export async function killed(input: { file: string; args: readonly string[]; round: number }): Promise<string[]> {
  const after = 20 + ((input.round * 61) % 170)
  const least = input.round % 2 ? FAR : 1
  const child = spawn(process.execPath, [input.file, ...input.args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  let timer: NodeJS.Timeout | undefined
  const lines = () => out.split('\n').slice(0, -1)
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  child.stdout.on('data', chunk => {
    out += chunk
    if (!timer && lines().length >= least) timer = setTimeout(() => child.kill('SIGKILL'), after)
  })
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  if (code !== null) throw new Error(`The child ended by itself with ${code}: ${errors}`)
  return lines()
}
