import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const cached = (project: string): string => at(`../.cache/${project}/classpath`)

/** The class path of a Maven project beside this file; null when it was not provided. */
export const findClasspath = (project: string): string | null =>
  existsSync(cached(project)) ? readFileSync(cached(project), 'utf8') : null

/** Fetches it with Maven, which takes a minute: the gate does that before any test's clock runs. Null when it cannot. */
export function provideClasspath(project: string): string | null {
  const [found, out] = [findClasspath(project), cached(project)]
  if (found !== null) return found
  mkdirSync(at(`../.cache/${project}`), { recursive: true })
  const fetching = ['-q', '-B', '-f', at(`${project}/pom.xml`), 'dependency:build-classpath', `-Dmdep.outputFile=${out}.new`]
  const { status } = spawnSync('mvn', fetching, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 })
  if (status !== 0 || spawnSync('java', ['-version']).status !== 0) return null
  renameSync(`${out}.new`, out)
  return findClasspath(project)
}

/** As a test wants it: at the gate it must be tried for, elsewhere it is used where it is. */
export const classpathOf = (project: string): string | null => (process.env.CI ? provideClasspath(project) : findClasspath(project))
