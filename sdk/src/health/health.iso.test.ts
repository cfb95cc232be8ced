import { expect, test } from 'vitest'
import { sampleBundleChunks } from '#sample/bundle'
import { sampleDicom } from '#sample/dicom'
import { detect } from './detect.ts'
import { parseDicom } from './dicom/parse.ts'
import { loadChecker } from './fhir/check.ts'
import { splitFhir } from './fhir/split.ts'
import { file } from './filing.ts'

test('an import works the same in Node and in browsers: detect, split, check, file, read DICOM', async () => {
  const check = await loadChecker()
  let n = 0
  for await (const part of splitFhir(sampleBundleChunks('iso', 300, { now: 1_767_225_600 }))) {
    if (part.error) throw new Error(part.error.text)
    expect(check(part.resource)).toEqual([])
    expect(file(part.resource).placed).toBe(true)
    n++
  }
  expect(n).toBe(300)
  const image = sampleDicom('iso', { rows: 32, columns: 32 })
  expect(detect('', image).kind).toBe('dicom')
  expect(parseDicom(image)).toMatchObject({ rows: 32, issues: [] })
})
