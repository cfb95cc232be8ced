import { spawn } from 'node:child_process'

/** Rounds of a crash test: few by default, many with KEEPWELL_DEEP=1. */
export const ROUNDS = process.env.KEEPWELL_DEEP ? 40 : 4

/**
 * Runs a child program and ends it with SIGKILL some milliseconds after its first line; gives the whole lines it printed.
 * What a child has printed it had been promised.
 */
export async function killed(input: { file: string; args: readonly string[]; after: number }): Promise<string[]> {
  const child = spawn(process.execPath, [input.file, ...input.args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  child.stdout.on('data', chunk => {
    if (!out) setTimeout(() => child.kill('SIGKILL'), input.after)
    out += chunk
  })
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  if (code !== null) throw new Error(`The child ended by itself with ${code}: ${errors}`)
  return out.split('\n').slice(0, -1)
}

/** A delay for a round: spread, and the same in every run. */
export const delayOf = (round: number): number => 20 + ((round * 61) % 170)
