import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, delimiter, join } from 'node:path'

/** A program that Go builds, as it is pinned (`example.org/thing/cmd/thing@v1.2.3`): on PATH or where `go install` puts it; null when there is none. */
export function findGoProgram(source: string): string | null {
  const name = `${basename(source.split('@')[0]!)}${process.platform === 'win32' ? '.exe' : ''}`
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')]
  return folders.map(folder => join(folder, name)).find(path => existsSync(path)) ?? null
}

/**
 * Finds it, or builds it from source with Go, which takes minutes and checks what it fetches against Go's own list of hashes: the gate does
 * that before any test's clock runs. Null when it cannot.
 */
export function provideGoProgram(source: string): string | null {
  const found = findGoProgram(source)
  if (found) return found
  console.log(`building ${source}`)
  const built = spawnSync('go', ['install', source], { stdio: 'inherit', env: { ...process.env, GOFLAGS: '-p=1' } })
  return built.status === 0 ? findGoProgram(source) : null
}
