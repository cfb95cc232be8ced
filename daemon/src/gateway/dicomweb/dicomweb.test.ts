import { concat, equal, utf8 } from '@keepwell/sdk/base/bytes'
import { readInstance } from '@keepwell/sdk/health/dicom/instance'
import { boundaryOf, type PartToWrite, readMultipart, writeMultipart } from '@keepwell/sdk/health/dicom/multipart'
import { sampleDicom, sampleSeries } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MemoryImaging, memoryImaging, serveDicomweb } from './imaging.kit.ts'

type Served = Awaited<ReturnType<typeof serveDicomweb>>
const small = { rows: 32, columns: 48 } as const
const series = [...sampleSeries('web', { ...small, instances: 5 })]
const movie = sampleDicom('movie', { ...small, frames: 4, modality: 'US' })

async function collected(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of stream) parts.push(chunk)
  return concat(...parts)
}

const multipart = async (...files: Uint8Array[]) =>
  (await collected(
    writeMultipart(
      files.map((body): PartToWrite => ({ headers: [['content-type', 'application/dicom']], body })),
      'b',
    ),
  )) as BodyInit

const TYPE = 'multipart/related; type="application/dicom"; boundary=b'
const stow = async (served: Served, body: BodyInit, { path = '/studies', type = TYPE, accept = 'application/dicom+json' } = {}) =>
  fetch(`${served.base}${path}`, { method: 'POST', headers: { 'content-type': type, accept }, body })

async function parts(response: Response): Promise<{ type: string; bytes: Uint8Array }[]> {
  const out: { type: string; bytes: Uint8Array }[] = []
  const boundary = boundaryOf(response.headers.get('content-type') ?? '')
  for await (const part of readMultipart(response.body as AsyncIterable<Uint8Array>, boundary))
    out.push({ type: part.headers.get('content-type') ?? '', bytes: await collected(part.chunks) })
  return out
}

type Told = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string }>

let served: Served
const get = (path: string, accept = '*/*', headers: Record<string, string> = {}) =>
  fetch(`${served.base}${path}`, { headers: { accept, ...headers } })
const json = async (path: string) => (await get(path, 'application/dicom+json')).json() as Promise<Told[]>
let place: { study: string; series: string; instance: string; movie: string }

beforeAll(async () => {
  served = await serveDicomweb()
  const answer = await stow(served, await multipart(...series, movie))
  expect(answer.status).toBe(200)
  const [first] = await json('/instances?Modality=CT&InstanceNumber=1')
  const [ultrasound] = await json('/instances?Modality=US')
  const uid = (t: Told, tag: string) => String(t[tag]?.Value?.[0])
  place = {
    study: uid(first!, '0020000D'),
    series: uid(first!, '0020000E'),
    instance: uid(first!, '00080018'),
    movie: `/studies/${uid(ultrasound!, '0020000D')}/series/${uid(ultrasound!, '0020000E')}/instances/${uid(ultrasound!, '00080018')}`,
  }
})
afterAll(() => served.close())
const instance = () => `/studies/${place.study}/series/${place.series}/instances/${place.instance}`

describe('what is stored', () => {
  test('comes back byte for byte: a study, a series, an instance', async () => {
    for (const path of [`/studies/${place.study}`, `/studies/${place.study}/series/${place.series}`]) {
      const got = await parts(await get(path))
      expect(got).toHaveLength(5)
      expect(series.every(s => got.some(g => equal(g.bytes, s)))).toBe(true)
      expect(got[0]!.type).toBe('application/dicom; transfer-syntax=1.2.840.10008.1.2.1')
    }
    const single = await get(instance(), 'application/dicom')
    expect(equal(new Uint8Array(await single.arrayBuffer()), series[0]!)).toBe(true)
  })
  test('may be stored again; another instance under its name is refused, and the first one stays', async () => {
    const mine = await serveDicomweb()
    const file = sampleDicom('again', small)
    const other = file.with(file.length - 1, file.at(-1)! ^ 1)
    expect((await stow(mine, await multipart(file))).status).toBe(200)
    expect((await stow(mine, await multipart(file))).status).toBe(200)
    const refused = await stow(mine, await multipart(other))
    expect(refused.status).toBe(409)
    expect(await refused.json()).toMatchObject({ '00081198': { Value: [{ '00081197': { Value: [0x0111] } }] } })
    const [kept] = await mine.imaging.instances()
    expect(equal(await mine.imaging.open(kept!), file)).toBe(true)
    await mine.close()
  })
})

describe('what cannot be stored', () => {
  test('does not keep the rest from being stored, each is answered for, and the broken one is quarantined as it came', async () => {
    const imaging: MemoryImaging = memoryImaging()
    const mine = await serveDicomweb(imaging)
    const lying = sampleDicom('lying', small).slice(0, -100)
    const answer = await stow(mine, await multipart(lying, sampleDicom('good', small), utf8('no DICOM at all')))
    expect(answer.status).toBe(202)
    const told = (await answer.json()) as Record<string, { Value: Record<string, { Value: unknown[] }>[] }>
    expect(told['0008119A']!.Value.map(i => i['00081197']!.Value)).toEqual([[0xc000], [0xc000]])
    expect(told['00081199']!.Value).toHaveLength(1)
    expect(imaging.held.map(h => equal(h.bytes, lying))).toEqual([true, false])
    expect(imaging.held[0]!.reason).toMatch(/claims 3072 bytes, and 2972 are left/)
    await mine.close()
  })
  test('is told with the reason: of another study, too large, refused', async () => {
    const imaging = memoryImaging()
    const mine = await serveDicomweb({ ...imaging, store: async taken => taken.map(() => 'not-allowed' as const) }, { instance: 8000 })
    const large = sampleDicom('large', { rows: 100, columns: 100 })
    const told = async (file: Uint8Array, path = '/studies') =>
      JSON.stringify(await (await stow(mine, await multipart(file), { path })).json())
    expect(await told(series[0]!, '/studies/1.2.3')).toContain(`"00081197":{"vr":"US","Value":[${0xa900}]}`)
    expect(await told(large)).toContain(`"00081197":{"vr":"US","Value":[${0xa700}]}`)
    expect(await told(series[0]!)).toContain(`"00081197":{"vr":"US","Value":[${0x0124}]}`)
    await mine.close()
  })
  test('costs its own batch only: those stored beside it and after it are kept, and each is answered for in its place', async () => {
    const imaging = memoryImaging()
    const third = Promise.withResolvers<void>()
    let calls = 0
    const mine = await serveDicomweb(
      {
        ...imaging,
        async store(taken) {
          const call = ++calls
          if (call === 3) third.resolve()
          // The next batch begins while this one is under way.
          if (call !== 2) return imaging.store(taken)
          await third.promise
          return taken.map(() => 'failed' as const)
        },
      },
      { batch: 1 },
    )
    const answer = await stow(mine, await multipart(...series))
    expect([answer.status, calls]).toEqual([202, 5])
    const told = (await answer.json()) as Record<string, { Value: Record<string, { Value: unknown[] }>[] }>
    const uids = (tag: string) => told[tag]!.Value.map(i => i['00081155']!.Value[0])
    const all = series.map(s => readInstance(s).instance)
    expect(uids('00081198')).toEqual([all[1]])
    expect(uids('00081199')).toEqual(all.toSpliced(1, 1))
    expect((await imaging.instances()).map(i => i.instance)).toEqual(all.toSpliced(1, 1))
    await mine.close()
  })
  test('is a bad request when there is no body to speak of', async () => {
    const post = async (body: string, type: string) => (await stow(served, body, { type })).status
    expect(await post('x', TYPE)).toBe(400)
    expect(await post('--b\r\n\r\n', 'multipart/related; type="application/dicom"')).toBe(400)
    expect(await post('{}', 'application/json')).toBe(415)
    expect(await post('--b\r\n\r\n{}\r\n--b--', 'multipart/related; type="application/dicom+json"; boundary=b')).toBe(415)
    expect(await post('--b--', TYPE)).toBe(400)
  })
  test('the response is XML for who asks for it', async () => {
    const answer = await stow(served, await multipart(series[0]!), { accept: 'application/dicom+xml' })
    expect(answer.headers.get('content-type')).toBe('application/dicom+xml')
    expect(await answer.text()).toContain('<DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence"><Item number="1">')
  })
  test('a body larger than the memory for bodies passes through it', async () => {
    const mine = await serveDicomweb(memoryImaging(), { memory: 300_000, batch: 50_000 })
    const many = [...sampleSeries('many', { rows: 128, columns: 128, instances: 30 })]
    expect((await stow(mine, await multipart(...many))).status).toBe(200)
    expect(await mine.imaging.instances()).toHaveLength(30)
    await mine.close()
  })
})

describe('search', () => {
  test('tells each level what PS3.18 has for it, and where to retrieve it', async () => {
    const [study] = await json('/studies?ModalitiesInStudy=CT')
    expect(study).toMatchObject({
      '00080061': { Value: ['CT'] },
      '00201206': { Value: [1] },
      '00201208': { Value: [5] },
      '00081190': { vr: 'UR', Value: [`${served.base}/studies/${place.study}`] },
    })
    expect((await json(`/studies/${place.study}/series`))[0]).toMatchObject({ '00080060': { Value: ['CT'] }, '00201209': { Value: [5] } })
    expect(await json(`/studies/${place.study}/instances`)).toHaveLength(5)
    expect((await json('/instances?InstanceNumber=2&Modality=CT'))[0]).toMatchObject({
      '00083002': { Value: ['1.2.840.10008.1.2.1'] },
      '00201208': { Value: [5] },
    })
  })
  test('matches dates, names and lists of UIDs, and takes tags for keywords', async () => {
    expect(await json('/studies?StudyDate=20240101-20240131')).toHaveLength(2)
    expect(await json(`/studies?0020000D=${place.study},1.2.3`)).toHaveLength(1)
    const [study] = await json('/studies')
    const name = (study!['00100010']!.Value![0] as { Alphabetic: string }).Alphabetic
    expect(await json(`/studies?PatientName=${encodeURIComponent(name.split('^')[1]!.toLowerCase())}&fuzzymatching=true`)).not.toHaveLength(
      0,
    )
  })
  test('pages do not overlap, and what is asked for is told even when it is not there', async () => {
    const pages = await Promise.all([0, 2, 4].map(offset => json(`/studies/${place.study}/instances?limit=2&offset=${offset}`)))
    expect(new Set(pages.flat().map(t => t['00080018']!.Value![0])).size).toBe(5)
    const [told] = await json('/series?Modality=CT&includefield=BodyPartExamined&includefield=00181030')
    expect(told).toMatchObject({ '00180015': { Value: ['CHEST'] }, '00181030': { vr: 'LO' } })
    expect(Object.keys((await json(`/studies/${place.study}/instances?includefield=all`))[0]!).length).toBeGreaterThan(30)
  })
  test('nothing found is an empty list; an attribute that does not exist is a bad request', async () => {
    expect(await json('/studies?PatientID=nobody')).toEqual([])
    for (const query of ['PatientNom=x', 'limit=-1', 'offset=1.5']) expect((await get(`/studies?${query}`)).status, query).toBe(400)
    expect((await get('/studies', 'text/html')).status).toBe(406)
  })
})

describe('retrieval', () => {
  test('metadata tells where pixels are, and they are there, whole and by range', async () => {
    const [told] = await json(`${instance()}/metadata`)
    const uri = told!['7FE00010']!.BulkDataURI!
    expect(uri).toBe(`${served.base}${instance()}/bulkdata/7FE00010`)
    const pixels = series[0]!.subarray(-small.rows * small.columns * 2)
    const octets = { accept: 'application/octet-stream' }
    expect(equal(new Uint8Array(await (await fetch(uri, { headers: octets })).arrayBuffer()), pixels)).toBe(true)
    const range = await fetch(uri, { headers: { ...octets, range: 'bytes=10-19' } })
    expect([range.status, range.headers.get('content-range')]).toEqual([206, `bytes 10-19/${pixels.length}`])
    expect(equal(new Uint8Array(await range.arrayBuffer()), pixels.subarray(10, 20))).toBe(true)
    expect((await fetch(uri, { headers: { ...octets, range: 'bytes=99999-' } })).status).toBe(416)
    expect((await get(`${instance()}/bulkdata/00104000`)).status).toBe(404)
  })
  test('frames come one by one, in the order asked', async () => {
    const size = small.rows * small.columns
    const got = await parts(await get(`${place.movie}/frames/3,1`, 'multipart/related; type="application/octet-stream"'))
    const pixels = movie.subarray(-4 * size)
    expect(got.map(g => equal(g.bytes, pixels.subarray(2 * size, 3 * size)))).toEqual([true, false])
    expect(equal(got[1]!.bytes, pixels.subarray(0, size))).toBe(true)
    expect((await get(`${place.movie}/frames/5`)).status).toBe(404)
    for (const list of ['0', 'a', '1,,2']) expect((await get(`${place.movie}/frames/${list}`)).status, list).toBe(list === '0' ? 404 : 400)
  })
  test.each([
    ['multipart/related; type="application/dicom"; transfer-syntax=*', 200],
    ['multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1', 200],
    ['multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90', 406],
    [
      'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90, multipart/related; type="application/dicom"; transfer-syntax=*; q=0.1',
      200,
    ],
    ['multipart/related; type="application/dicom"; transfer-syntax=9.9.9', 406],
    ['application/dicom; transfer-syntax=9.9.9', 406],
    ['text/html', 406],
    ['*/*;q=0', 406],
  ])('%s → %i', async (accept, status) => {
    const answer = await get(instance(), accept)
    expect(answer.status).toBe(status)
    await answer.arrayBuffer()
  })
  test('the query parameter counts before the header', async () => {
    expect((await get(`${instance()}/metadata?accept=${encodeURIComponent('application/dicom+json')}`, 'text/html')).status).toBe(200)
  })
  test('what is not there is not found', async () => {
    for (const path of ['/studies/1.2.3', `/studies/${place.study}/series/1.2`, `${instance()}9`, `/studies/${place.study}/metadata/x`])
      expect((await get(path)).status, path).toBe(404)
  })
})

describe('pictures', () => {
  test('are PNG or JPEG as asked, of the size asked, and differ with the window', async () => {
    const png = async (query: string) => new Uint8Array(await (await get(`${instance()}/rendered?${query}`, 'image/png')).arrayBuffer())
    const plain = await png('')
    expect([...plain.subarray(16, 24)]).toEqual([0, 0, 0, 48, 0, 0, 0, 32])
    expect([...(await png('viewport=24,24')).subarray(16, 24)]).toEqual([0, 0, 0, 24, 0, 0, 0, 16])
    expect(equal(await png('window=0,100,linear'), plain)).toBe(false)
    const jpeg = await get(`${place.movie}/frames/2/rendered?quality=50`, 'image/jpeg')
    expect([...new Uint8Array(await jpeg.arrayBuffer()).subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
    expect((await get(`/studies/${place.study}/thumbnail`)).headers.get('content-type')).toBe('image/jpeg')
  })
  test('parameters that make no sense are bad requests', async () => {
    for (const query of [
      'quality=0',
      'quality=x',
      'window=1',
      'window=1,0',
      'window=1,2,curly',
      'viewport=0,5',
      'viewport=1',
      'viewport=99999,1',
    ])
      expect((await get(`${instance()}/rendered?${query}`)).status, query).toBe(400)
    expect((await get(`${instance()}/rendered`, 'video/mp4')).status).toBe(406)
  })
})

test('capabilities tell what is routed, and no more', async () => {
  const told = (await (await get('')).json()) as { resources: { method: string; path: string }[] }
  expect(told.resources.length).toBeGreaterThan(15)
  for (const { method, path } of told.resources) {
    const asked = path
      .replace('{study}', '1.2')
      .replace('{series}', '1.3')
      .replace('{instance}', '1.4')
      .replace('{frames}', '1')
      .replace('{path}', '7FE00010')
    const answer = await fetch(`${served.base}${asked}`, {
      method,
      ...(method === 'POST' ? { body: 'x', headers: { 'content-type': 'text/plain' } } : {}),
    })
    const told404 = answer.status === 404 ? ((await answer.json()) as { code: string }).code : ''
    expect([answer.status, told404], `${method} ${path}`).not.toContain('NO_ROUTE')
    expect(answer.status, `${method} ${path}`).not.toBe(405)
  }
})
