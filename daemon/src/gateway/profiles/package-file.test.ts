import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { definitions } from '@keepwell/sdk/health/fhir/definitions.generated'
import { checkProfile } from '@keepwell/sdk/health/fhir/profile/check'
import { loadLibrary } from '@keepwell/sdk/health/fhir/profile/shipped'
import { shapes } from '@keepwell/sdk/health/fhir/shapes'
import { afterAll, describe, expect, test } from 'vitest'
import { jsonIn, readPackages } from './package-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'keepwell-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const index = shapes(definitions)

function entry(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write(content.length.toString(8).padStart(11, '0'), 124)
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
  body.set(content)
  return Buffer.concat([header, body])
}
const tar = (files: Readonly<Record<string, unknown>>): Buffer =>
  Buffer.concat([...Object.entries(files).map(([name, v]) => entry(name, Buffer.from(JSON.stringify(v)))), Buffer.alloc(1024)])

const url = 'http://guide.example/StructureDefinition/coded-observation'
const valueSet = 'http://guide.example/ValueSet/codes'
const GUIDE = tar({
  'package/package.json': { name: 'guide.example', version: '2.1.0' },
  'package/StructureDefinition-coded-observation.json': {
    resourceType: 'StructureDefinition',
    derivation: 'constraint',
    url,
    version: '2.1.0',
    name: 'Coded',
    type: 'Observation',
    snapshot: {
      element: [
        { id: 'Observation', path: 'Observation', min: 0, max: '*' },
        { id: 'Observation.code', path: 'Observation.code', min: 1, max: '1', binding: { strength: 'required', valueSet } },
      ],
    },
  },
  'package/ValueSet-codes.json': {
    resourceType: 'ValueSet',
    url: valueSet,
    compose: { include: [{ system: 'http://x.example', concept: [{ code: 'a' }] }] },
  },
  'package/example/Observation-x.json': { resourceType: 'Observation' },
})

describe('a package of definitions', () => {
  test('as HL7 publishes its guides is read: profiles and the value sets that they require', async () => {
    writeFileSync(join(folder, 'guide.tgz'), gzipSync(GUIDE))
    const library = await loadLibrary(await readPackages(folder, index))
    const check = (code: string) =>
      checkProfile(
        { resourceType: 'Observation', code: { coding: [{ system: 'http://x.example', code }] } },
        library.profile(`${url}|2.1.0`)!,
        library,
      )
    expect([check('a').length, check('b').map(i => i.path)]).toEqual([0, ['Observation.code']])
    expect(library.of('Observation').map(p => p.url)).toContain(url)
  })

  test.each<[string, Uint8Array, string]>([
    ['no archive', Buffer.from('nonsense'), 'unpacked'],
    ['an archive that is cut short', gzipSync(GUIDE.subarray(0, GUIDE.length - 1524)), 'cut short'],
    [
      'a file that is no JSON',
      gzipSync(Buffer.concat([entry('package/ValueSet-x.json', Buffer.from('{')), Buffer.alloc(1024)])),
      'no JSON',
    ],
    ['nothing to check by', gzipSync(tar({ 'package/package.json': {} })), 'no profile'],
  ])('that is %s is refused', async (_, bytes, why) => {
    const file = join(folder, 'bad')
    writeFileSync(file, bytes)
    await expect(readPackages(file, index)).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(why) })
  })

  test('that was altered anywhere is read or refused, never worse', () => {
    let seed = 11
    const random = (n: number): number => {
      seed = (seed * 48271) % 2147483647
      return seed % n
    }
    for (let i = 0; i < 400; i++) {
      const bytes = Buffer.from(GUIDE)
      for (let k = 0; k <= random(6); k++) bytes[random(bytes.length)] = random(256)
      try {
        for (const [name] of jsonIn(bytes)) expect(name.startsWith('package/')).toBe(true)
      } catch (e) {
        expect(isKeepwellError(e)).toBe(true)
      }
    }
  })
})
