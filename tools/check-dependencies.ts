import { readFileSync } from 'node:fs'
import { INSTALL_SCRIPTS, SDK_DEPENDENCIES } from './dependencies.ts'

export type Lock = { packages: Record<string, { hasInstallScript?: boolean; resolved?: string; link?: boolean; integrity?: string }> }
export type Manifest = {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** Sentences about what would be installed and should not be (threat T34). `manifests` by workspace, `.` being the root. */
export function dependencyProblems(manifests: Readonly<Record<string, Manifest>>, lock: Lock): string[] {
  const out: string[] = []
  for (const name of Object.keys(manifests.sdk?.dependencies ?? {}))
    if (!SDK_DEPENDENCIES[name]) out.push(`sdk depends on ${name}, which tools/dependencies.ts does not list`)
  for (const [workspace, m] of Object.entries(manifests)) {
    for (const [name, version] of Object.entries({ ...m.dependencies, ...m.devDependencies, ...m.optionalDependencies }))
      if (version !== 'file:tools/empty-package' && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        out.push(`${workspace}: ${name} is not pinned to an exact version (${version})`)
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!path.includes('node_modules/') || entry.link) continue
    if (entry.hasInstallScript && !INSTALL_SCRIPTS[nameOf(path)]) out.push(`${nameOf(path)} runs an install script and is not listed`)
    if (!entry.integrity) out.push(`${nameOf(path)} has no integrity hash in the lock file`)
  }
  return out
}

export const WORKSPACES = ['.', 'sdk', 'adapters', 'daemon', 'cli', 'web', 'contracts']
export const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T

if (import.meta.main) {
  const manifests = Object.fromEntries(WORKSPACES.map(w => [w, readJson<Manifest>(`${w}/package.json`)]))
  const found = dependencyProblems(manifests, readJson<Lock>('package-lock.json'))
  for (const p of found) console.error(p)
  console.log(
    found.length ? `${found.length} dependency problems` : 'dependencies: exact, hashed, and every install script is a listed one',
  )
  process.exitCode = found.length ? 1 : 0
}
