/// <reference types="vite/client" />
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { equal } from '@keepwell/sdk/base/bytes'
import { sampleDicom, sampleSeries } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveDicomweb } from './imaging.kit.ts'

/** Other people's DICOM software against our services, over all files there are: samples of our own, and the corpora where they are. */
const tools = import.meta.glob<{ corpus(path: string): string | null }>('/tools/corpora.ts')
const { corpus } = await tools['/tools/corpora.ts']!()
const base = corpus('clinical/dicom')

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0
const PYTHON = '/usr/bin/python3'
const pydicom = runs(PYTHON, '-c', 'import pydicom')
const dcmtk = runs('dcmdump', '--version')
for (const [there, what] of [
  [base, 'the corpora in ../shared/data'],
  [pydicom, 'python3-pydicom'],
  [dcmtk, 'dcmtk'],
] as const)
  if (!there) console.warn(`SKIPPED in part: DICOM peers need ${what}`)

type File = { readonly name: string; readonly bytes: Uint8Array }
const samples = (): File[] => [
  ...[...sampleSeries('peers', { rows: 16, columns: 16, instances: 3 })].map((bytes, i) => ({ name: `sample-${i}.dcm`, bytes })),
  { name: 'sample-movie.dcm', bytes: sampleDicom('peers-movie', { rows: 16, columns: 16, frames: 3, modality: 'US' }) },
]
const real = (folder: string): File[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(f => f.name.endsWith('.dcm'))
    .map(f => ({ name: f.name, bytes: new Uint8Array(readFileSync(join(f.parentPath, f.name))) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
/** It says of no study, so nobody could ask for it: the standard has it refused. */
const NAMELESS = 'HTJ2KLossless_08_RGB.dcm'
const files = [...samples(), ...(base ? real(base).filter(f => f.name !== NAMELESS) : [])]

type Client = {
  storeInstances(o: { datasets: ArrayBuffer[] }): Promise<unknown>
  searchForInstances(o: object): Promise<Told[]>
  retrieveInstance(o: Place): Promise<ArrayBuffer>
  retrieveInstanceMetadata(o: Place): Promise<Told[]>
  retrieveInstanceFrames(o: Place & { frameNumbers: number[] }): Promise<ArrayBuffer[]>
}
type Told = Record<string, { vr?: string; Value?: unknown[]; InlineBinary?: string; BulkDataURI?: string }>
type Place = ReturnType<typeof place>
const whole = (b: Uint8Array): ArrayBuffer => b.slice().buffer as ArrayBuffer
const first = (told: Told, tag: string): string => String(told[tag]?.Value?.[0] ?? '')
const place = (told: Told) => ({
  studyInstanceUID: first(told, '0020000D'),
  seriesInstanceUID: first(told, '0020000E'),
  sopInstanceUID: first(told, '00080018'),
})

let folder: string
const require = createRequire(import.meta.url)
beforeAll(() => {
  // The client was written for browsers; its own types ask for options that it does not need.
  Object.assign(globalThis, { XMLHttpRequest: require('xhr2') })
  folder = mkdtempSync(join(tmpdir(), 'keepwell-dicom-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A service for each file: some of the corpora are one image, under one UID, in several transfer syntaxes. */
async function withStored<T>(file: File, work: (client: Client, told: Told) => Promise<T>): Promise<T> {
  const served = await serveDicomweb()
  try {
    const { api } = require('dicomweb-client') as { api: { DICOMwebClient: new (o: object) => Client } }
    const client = new api.DICOMwebClient({ url: served.base })
    await client.storeInstances({ datasets: [whole(file.bytes)] })
    const found = await client.searchForInstances({})
    expect(found, file.name).toHaveLength(1)
    return await work(client, found[0]!)
  } finally {
    await served.close()
  }
}

const metadata: [name: string, told: Told][] = []

test('dicomweb-client stores every file, finds it, gets it back byte for byte, and reads its metadata, frames and picture', async () => {
  const counts = { files: 0, frames: 0, pictures: 0, noImage: 0 }
  for (const file of files)
    await withStored(file, async (client, found) => {
      const at = place(found)
      const back = new Uint8Array(await client.retrieveInstance(at))
      expect(equal(back, file.bytes), file.name).toBe(true)
      const path = join(folder, `${counts.files++}.dcm`)
      writeFileSync(path, back)
      const [told] = await client.retrieveInstanceMetadata(at)
      metadata.push([path, told!])
      if (!told!['7FE00010']) return void counts.noImage++
      const frames = Number(first(told!, '00280008')) || 1
      const got = await client.retrieveInstanceFrames({ ...at, frameNumbers: frames > 1 ? [1, frames] : [1] })
      const bytes =
        (Number(first(told!, '00280010')) *
          Number(first(told!, '00280011')) *
          Number(first(told!, '00280002')) *
          Number(first(told!, '00280100'))) /
        8
      expect(
        got.map(f => f.byteLength),
        file.name,
      ).toEqual(frames > 1 ? [bytes, bytes] : [bytes])
      counts.frames += got.length
      const picture = await fetch(`${first(found, '00081190')}/rendered`, { headers: { accept: 'image/png' } })
      expect([...new Uint8Array(await picture.arrayBuffer()).subarray(0, 4)], file.name).toEqual([0x89, 0x50, 0x4e, 0x47])
      counts.pictures++
    })
  console.info('DICOMweb: stored and read by dicomweb-client, byte for byte', counts)
  expect(counts.files).toBe(files.length)
})

test.skipIf(!base)('one image in five codings has the same pixels in all of them', async () => {
  const names = [
    'MR_small',
    'MR_small_RLE',
    'MR_small_bigendian',
    'MR_small_implicit',
    'MR_small_jp2klossless',
    'MR_small_jpeg_ls_lossless',
  ]
  const pixels: Uint8Array[] = []
  for (const file of files.filter(f => names.includes(f.name.replace('.dcm', ''))))
    await withStored(file, async (client, found) => {
      pixels.push(new Uint8Array((await client.retrieveInstanceFrames({ ...place(found), frameNumbers: [1] }))[0]!))
    })
  expect(pixels.map(p => equal(p, pixels[0]!))).toEqual(names.map(() => true))
})

/** What pydicom makes of the same files; empty values and empty sequences are written differently there, and are compared as absent. */
const COMPARE = `
import json, sys, warnings
warnings.simplefilter('ignore')
import pydicom
pydicom.config.replace_un_with_known_vr = False
out = {}
for p in sys.argv[1:]:
    out[p] = pydicom.dcmread(p).to_json_dict(bulk_data_threshold=1 << 30, bulk_data_element_handler=lambda e: '')
json.dump(out, sys.stdout)
`

function essential(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(v => (v === '' ? null : essential(v)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value as Told).flatMap(([key, v]): [string, unknown][] => {
      if (/^[0-9A-F]{4}0000$/.test(key) || key === '00080005' || key === '00083002') return []
      if (key === 'InlineBinary' || key === 'BulkDataURI' || (key === 'Value' && Array.isArray(v) && v.length === 0)) return []
      return [[key, essential(v)]]
    }),
  )
}

test.skipIf(!base)('a file that names no study is refused as not understood, and told so', async () => {
  const served = await serveDicomweb()
  const body = real(base!).find(f => f.name === NAMELESS)!.bytes as BodyInit
  const answer = await fetch(`${served.base}/studies`, { method: 'POST', headers: { 'content-type': 'application/dicom' }, body })
  expect([answer.status, await answer.json()]).toEqual([
    409,
    { '0008119A': { vr: 'SQ', Value: [{ '00081197': { vr: 'US', Value: [0xc000] } }] } },
  ])
  await served.close()
})

test.skipIf(!pydicom)('metadata says what pydicom reads, element by element', () => {
  const run = spawnSync(PYTHON, ['-c', COMPARE, ...metadata.map(([path]) => path)], { maxBuffer: 1 << 30 })
  const theirs = JSON.parse(String(run.stdout)) as Record<string, Told>
  let elements = 0
  for (const [path, told] of metadata) {
    expect(essential(told), path).toEqual(essential(theirs[path]))
    elements += Object.keys(told).length
  }
  console.info(`DICOMweb: metadata of ${metadata.length} files, ${elements} elements, as pydicom reads them`)
  expect(metadata.length).toBe(files.length)
})

test.skipIf(!dcmtk)('dcmdump reads what comes back', () => {
  for (const [path] of metadata) expect(runs('dcmdump', '-q', path), path).toBe(true)
  console.info(`DICOMweb: ${metadata.length} retrieved files read by dcmdump`)
})
