import { join } from 'node:path'
import { catalogSuite } from '@keepwell/sdk/ports/catalog.suite'
import { inDirectory } from '#base/temporary.kit'
import { openSqliteCatalog } from './sqlite.ts'

catalogSuite(inDirectory(dir => openSqliteCatalog({ file: join(dir, 'catalog.db') })))
