import { chestSuite } from '@keepwell/sdk/ports/chest.suite'
import { describe, test } from 'vitest'
import { openIndexedDbChest } from './chest.ts'
import { deleteDatabase } from './indexeddb.ts'

// Node has no IndexedDB; the browser run has.
if (typeof indexedDB === 'undefined') describe('IndexedDB chest', () => test.skip('needs a browser', () => {}))
else
  chestSuite(async () => {
    const name = `chest-test-${crypto.randomUUID()}`
    return { open: () => openIndexedDbChest({ name }), dispose: () => deleteDatabase(name) }
  })
