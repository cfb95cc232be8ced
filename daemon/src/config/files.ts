import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { NAMES } from './names.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Besides settings of servers: what opens a home, and what an archive is shown. */
const OTHERS = ['KEEPWELL_PASSPHRASE', 'KEEPWELL_ARCHIVE_AUTHORIZATION']

/**
 * An environment with what lies in files: `X_FILE` names the file of the setting X (as containers are given secrets), and a file that is called as
 * a setting, in the folder that systemd names in `CREDENTIALS_DIRECTORY`, is that setting. One newline at the end is none of it. Throws USAGE for
 * a file that cannot be read, and for a setting that is given twice; never with what is in it.
 */
export function withFiles(env: Env): Env {
  const found: Record<string, string> = {}
  for (const name of [...Object.keys(NAMES), ...OTHERS]) {
    const given = [env[name], named(env, name), credential(env, name)].filter(v => v !== undefined && v !== '')
    ensure(given.length < 2, 'USAGE', `${name}: given more than once, by itself, by ${name}_FILE or as a credential.`)
    if (given[0] !== undefined) found[name] = given[0]
  }
  return { ...env, ...found }
}

function named(env: Env, name: string): string | undefined {
  const file = env[`${name}_FILE`]
  if (!file) return undefined
  try {
    return content(file)
  } catch (cause) {
    throw new KeepwellError('USAGE', `${name}_FILE: that file cannot be read.`, { cause })
  }
}

function credential({ CREDENTIALS_DIRECTORY: folder }: Env, name: string): string | undefined {
  if (!folder) return undefined
  try {
    return content(join(folder, name))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new KeepwellError('USAGE', `${name}: the credential of that name cannot be read.`, { cause })
  }
}

const content = (file: string): string => readFileSync(file, 'utf8').replace(/\r?\n$/, '')
