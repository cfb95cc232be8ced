import { join } from 'node:path'
import { logSuite } from '@keepwell/sdk/ports/log.suite'
import { inDirectory } from '#base/temporary.kit'
import { openSqliteLog } from './sqlite.ts'

logSuite(inDirectory(dir => openSqliteLog({ file: join(dir, 'log.db') })))
