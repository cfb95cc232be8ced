import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '@keepwell/sdk/actions/story.kit'
import { catalogSuite } from '@keepwell/sdk/ports/catalog.suite'
import { expect, test } from 'vitest'
import { inDirectory, temporaryDirectory } from '#base/temporary.kit'
import { openSqliteCatalog } from './sqlite.ts'

catalogSuite(inDirectory(dir => openSqliteCatalog({ file: join(dir, 'catalog.db') })))

test('of what was dropped nothing is left in the file, nor where a page lost rows when they were shared out anew', async () => {
  const random = seededRandom('catalog')
  const home = temporaryDirectory()
  const file = join(home.path, 'catalog.db')
  const catalog = await openSqliteCatalog({ file })
  const rows = Array.from({ length: 2000 }, () => ({ id: random(16), sealed: random(300 + 4 * random(1)[0]!) }))
  for (let at = 0; at < rows.length; at += 40) await catalog.note(rows.slice(at, at + 40))
  const lies = ({ sealed }: { sealed: Uint8Array }): boolean => {
    const bytes = readFileSync(file)
    return [sealed.subarray(0, 16), sealed.subarray(-16)].some(end => bytes.includes(Buffer.from(end)))
  }
  const gone = rows.filter((_, i) => i % 8 === 0)
  await catalog.drop(gone.map(r => r.id))
  expect(gone.filter(lies)).toEqual([])
  expect(rows.filter((_, i) => i % 8 === 1).every(lies)).toBe(true)
  await catalog.close()
  home.remove()
})
