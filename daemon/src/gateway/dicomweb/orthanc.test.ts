/// <reference types="vite/client" />
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal } from '@keepwell/sdk/base/bytes'
import { sampleDicom, sampleSeries } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveDicomweb } from './imaging.kit.ts'
import { hasOrthanc, type Orthanc, startOrthanc } from './orthanc.kit.ts'

if (!hasOrthanc) console.warn('SKIPPED: Orthanc as edge needs the packages orthanc, orthanc-dicomweb and dcmtk')

const tools = import.meta.glob<{ corpus(path: string): string | null }>('/tools/corpora.ts')
const { corpus } = await tools['/tools/corpora.ts']!()
const real = corpus('clinical/dicom')

const files = [
  ...sampleSeries('edge', { rows: 64, columns: 64, instances: 4 }),
  sampleDicom('edge-movie', { rows: 32, columns: 32, frames: 5, modality: 'US' }),
]

describe.skipIf(!hasOrthanc)('a hospital’s devices reach the gateway through Orthanc', () => {
  let served: Awaited<ReturnType<typeof serveDicomweb>>
  let orthanc: Orthanc
  beforeAll(async () => {
    served = await serveDicomweb()
    orthanc = await startOrthanc({ Url: `${served.base}/` })
  })
  afterAll(async () => {
    await orthanc?.close()
    await served?.close()
  })
  const stored = async (): Promise<Uint8Array[]> => {
    const ids = await orthanc.rest<string[]>('GET', '/instances')
    return Promise.all(ids.map(id => orthanc.bytes(`/instances/${id}/file`)))
  }
  const holdsAll = (all: readonly Uint8Array[], wanted: readonly Uint8Array[]): boolean => wanted.every(f => all.some(a => equal(a, f)))

  test('a device answers C-ECHO and sends by C-STORE; Orthanc pushes the studies by STOW, and they come through unchanged', async () => {
    const port = String(orthanc.dicomPort)
    expect(spawnSync('echoscu', ['-aec', 'EDGE', '127.0.0.1', port]).status).toBe(0)
    const paths = files.map((bytes, i) => {
      const path = join(orthanc.folder, `${i}.dcm`)
      writeFileSync(path, bytes)
      return path
    })
    expect(spawnSync('storescu', ['-aec', 'EDGE', '-xe', '127.0.0.1', port, ...paths]).status).toBe(0)
    const edge = await stored()
    expect(edge).toHaveLength(5)
    const studies = await orthanc.rest<string[]>('GET', '/studies')
    await orthanc.rest('POST', '/dicom-web/servers/keepwell/stow', { Resources: studies, Synchronous: true })
    const instances = await served.imaging.instances()
    const kept = await Promise.all(instances.map(i => served.imaging.open(i)))
    expect(kept).toHaveLength(5)
    expect(holdsAll(kept, edge)).toBe(true)
    console.info(`DICOM edge: ${files.length} files by C-STORE into Orthanc, ${kept.length} by STOW into the gateway, byte for byte`)
  })

  test('Orthanc finds them at the gateway, and pulls them back by WADO, byte for byte', async () => {
    const before = await stored()
    for (const id of await orthanc.rest<string[]>('GET', '/studies')) await orthanc.rest('DELETE', `/studies/${id}`)
    expect(await stored()).toHaveLength(0)
    const found = await orthanc.rest<Record<string, { Value: string[] }>[]>('POST', '/dicom-web/servers/keepwell/qido', {
      Uri: '/studies',
      Arguments: { StudyDate: '20240101-' },
    })
    expect(found).toHaveLength(2)
    const uids = new Set((await served.imaging.instances()).map(i => i.study))
    await orthanc.rest('POST', '/dicom-web/servers/keepwell/retrieve', {
      Resources: [...uids].map(Study => ({ Study })),
      Synchronous: true,
    })
    const after = await stored()
    expect(after).toHaveLength(5)
    expect(holdsAll(after, before)).toBe(true)
  })

  test.skipIf(!real)('real files go the same way, in every transfer syntax they come in', async () => {
    const folder = readdirSync(real!, { recursive: true, withFileTypes: true }).filter(f => f.name.endsWith('.dcm'))
    for (const f of folder)
      await orthanc.rest('POST', '/instances', new Uint8Array(readFileSync(join(f.parentPath, f.name)))).catch(() => {})
    const edge = await stored()
    const studies = await orthanc.rest<string[]>('GET', '/studies')
    // One that names no study is refused, and Orthanc calls that a failure of the whole.
    for (const id of studies)
      await orthanc.rest('POST', '/dicom-web/servers/keepwell/stow', { Resources: [id], Synchronous: true }).catch(() => {})
    const kept = await Promise.all((await served.imaging.instances()).map(i => served.imaging.open(i)))
    const through = edge.filter(e => kept.some(k => equal(k, e)))
    console.info(
      `DICOM edge: of ${folder.length} real files Orthanc took ${edge.length - files.length}, ${through.length - files.length} came through byte for byte`,
    )
    expect(through.length - files.length).toBeGreaterThanOrEqual(18)
  })
})
