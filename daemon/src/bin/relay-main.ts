import { ERRORS, isKeepwellError } from '@keepwell/sdk/base/error'
import { readConfig } from '#config/config'
import { readSecrets } from '#config/secrets'
import { start } from './start.ts'

/** The relay as a process of its own, configured by the environment alone. */
try {
  const config = readConfig(process.env)
  await start(config, readSecrets(process.env, config))
} catch (error) {
  if (!isKeepwellError(error)) throw error
  process.stderr.write(`${error.code}: ${error.message}\n`)
  process.exitCode = ERRORS[error.code].exit
}
