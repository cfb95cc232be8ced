import { catalogSuite } from '@keepwell/sdk/ports/catalog.suite'
import { describe, test } from 'vitest'
import { deleteDatabase, openIndexedDbCatalog } from './indexeddb.ts'

// Node has no IndexedDB; the browser run has.
if (typeof indexedDB === 'undefined') describe('IndexedDB catalog', () => test.skip('needs a browser', () => {}))
else
  catalogSuite(async () => {
    const name = `catalog-test-${crypto.randomUUID()}`
    return { open: () => openIndexedDbCatalog({ name }), dispose: () => deleteDatabase(name) }
  })
