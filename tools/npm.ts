import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** A package that the npm project beside this file depends on, as `package-lock.json` in its folder pins it; null when it was not provided. */
export const findPackage = (project: string): string | null => {
  const folder = at(`../.cache/${project}/node_modules/${project}`)
  return existsSync(folder) ? folder : null
}

/**
 * Installs it, without any script, into a place of its own: a peer's hundreds of packages are none of ours. That takes a minute: the gate does it before
 * any test's clock runs. Null when it cannot.
 */
export function providePackage(project: string): string | null {
  const found = findPackage(project)
  if (found !== null) return found
  const place = at(`../.cache/${project}`)
  rmSync(place, { recursive: true, force: true })
  cpSync(at(project), place, { recursive: true })
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: place, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 })
  if (status === 0) return findPackage(project)
  // What was installed by half is not found another time.
  rmSync(place, { recursive: true, force: true })
  return null
}

/** As a test wants it: at the gate it must be tried for, elsewhere it is used where it is. */
export const packageOf = (project: string): string | null => (process.env.CI ? providePackage(project) : findPackage(project))
