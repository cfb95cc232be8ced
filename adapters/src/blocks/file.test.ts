import { blockStoreSuite } from '@keepwell/sdk/ports/blocks.suite'
import { describe } from 'vitest'
import { inDirectory } from '#base/temporary.kit'
import { openFileBlocks } from './file.ts'

blockStoreSuite(inDirectory(dir => openFileBlocks({ dir })))

describe('in segments so small that each call fills several', () => {
  blockStoreSuite(inDirectory(dir => openFileBlocks({ dir, segmentBytes: 4096 })))
})
