import { ERRORS, isKeepwellError } from '@keepwell/sdk/base/error'
import { readConfig } from '#config/config'
import { withFiles } from '#config/files'
import { readSecrets } from '#config/secrets'
import { trustOnly } from '#http/trust'
import { start } from './start.ts'

/** The relay as a process of its own, configured by the environment alone. */
try {
  const env = withFiles(process.env)
  const config = readConfig(env)
  if (env.KEEPWELL_CA) trustOnly(env.KEEPWELL_CA)
  await start(config, readSecrets(env, config))
} catch (error) {
  if (!isKeepwellError(error)) throw error
  process.stderr.write(`${error.code}: ${error.message}\n`)
  process.exitCode = ERRORS[error.code].exit
}
