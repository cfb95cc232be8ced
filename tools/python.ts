import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** A program of a Python project beside this file, as `requirements.txt` in its folder pins it; null when it was not provided. */
export const findProgram = (project: string): string | null => {
  const program = at(`../.cache/${project}/bin/${project}`)
  return existsSync(program) ? program : null
}

/** Installs it into an environment of its own, which takes half a minute: the gate does that before any test's clock runs. Null when it cannot. */
export function provideProgram(project: string): string | null {
  const found = findProgram(project)
  if (found !== null) return found
  const place = at(`../.cache/${project}`)
  const run = (command: string, ...args: string[]): boolean =>
    spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 }).status === 0
  // All versions are pinned, so nothing is looked up; what was installed by half is not found another time.
  if (run('python3', '-m', 'venv', place) && run(`${place}/bin/pip`, 'install', '-q', '--no-deps', '-r', at(`${project}/requirements.txt`)))
    return findProgram(project)
  rmSync(place, { recursive: true, force: true })
  return null
}

/** As a test wants it: at the gate it must be tried for, elsewhere it is used where it is. */
export const programOf = (project: string): string | null => (process.env.CI ? provideProgram(project) : findProgram(project))
