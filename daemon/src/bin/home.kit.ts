import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, readConfig } from '#config/config'
import { freePort } from '#http/free-port'

/** A folder for one test. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'keepwell-relay-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Configuration of a relay in a folder, on a port of its own, whose upkeep stays out of the way. */
export async function testConfig(home: string, env: Readonly<Record<string, string>> = {}): Promise<Config> {
  const port = String(await freePort())
  return readConfig({
    KEEPWELL_HOME: home,
    KEEPWELL_PORT: port,
    KEEPWELL_ANCHOR_SECONDS: '3600',
    KEEPWELL_HEAD_SECONDS: '3600',
    KEEPWELL_RATE_PER_ADDRESS: '100000',
    KEEPWELL_RATE_PER_CALLER: '100000',
    ...env,
  })
}
