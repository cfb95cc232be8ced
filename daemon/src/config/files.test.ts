import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { withFiles } from './files.ts'
import { readSecrets } from './secrets.ts'

const dir = mkdtempSync(join(tmpdir(), 'keepwell-secrets-'))
afterAll(() => rmSync(dir, { recursive: true }))
const URL = 'postgres://kw:hunter2@db/kw'
const file = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content, { mode: 0o600 })
  return join(dir, name)
}

test('a secret in a file is the setting, and in the configuration that may be printed nothing of it is', () => {
  const env = withFiles({ HOME: '/home/someone', KEEPWELL_DATABASE_FILE: file('database', `${URL}\n`) })
  const config = readConfig(env)
  expect(readSecrets(env, config).databaseUrl).toBe(URL)
  expect(JSON.stringify(config)).not.toContain('hunter2')
})

test('systemd’s credentials are settings by their names; others of them are none', () => {
  const credentials = join(dir, 'credentials')
  mkdirSync(credentials)
  writeFileSync(join(credentials, 'KEEPWELL_PASSPHRASE'), 'four words of it \r\n')
  writeFileSync(join(credentials, 'SOMETHING_ELSE'), 'else')
  const env = withFiles({ CREDENTIALS_DIRECTORY: credentials, HOME: '/home/someone' })
  expect(env.KEEPWELL_PASSPHRASE).toBe('four words of it ')
  expect(env.SOMETHING_ELSE).toBeUndefined()
})

test('what is given twice, or cannot be read, is refused by the name of the setting alone', () => {
  const refused = (env: Record<string, string>) => {
    let said = ''
    try {
      withFiles(env)
    } catch (e) {
      said = `${(e as { code?: string }).code} ${(e as Error).message}`
    }
    expect(said).toMatch(/^USAGE .*KEEPWELL_DATABASE/)
    expect(said).not.toMatch(/hunter2|nowhere/)
  }
  refused({ KEEPWELL_DATABASE: URL, KEEPWELL_DATABASE_FILE: file('database', URL) })
  refused({ KEEPWELL_DATABASE_FILE: join(dir, 'nowhere') })
})
