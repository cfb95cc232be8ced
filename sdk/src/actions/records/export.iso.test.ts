import { Decrypter, generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { describe, expect, test } from 'vitest'
import { checkTrailProof } from '#actions/access/check-trail-proof'
import type { Ctx } from '#actions/context'
import { person, world } from '#actions/story.kit'
import { readTrailFile } from '#audit/trail-proof'
import { concat, equal, fromHex, text, toBase64Url, toHex, utf8 } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { sha256 } from '#crypto/hash'
import { loadChecker } from '#health/fhir/check'
import { sampleBundle } from '#sample/bundle'
import { sampleDicom } from '#sample/dicom'
import { samplePdf } from '#sample/pdf'
import { encryptToAge } from './export-age.ts'
import { exportBundle } from './export-bundle.ts'
import { exportEverything } from './export-everything.ts'
import { exportFiles, tar } from './export-files.ts'
import { fileNameOf } from './export-names.ts'
import { importItems } from './import-items.ts'
import { listEntries } from './list-entries.ts'

const HOME = 'http://home.test'
const NOW = 1_790_000_000

const FILES: Readonly<Record<string, Uint8Array>> = {
  'visit.json': utf8(JSON.stringify(sampleBundle('export', { resources: 60, now: NOW }), null, 1)),
  'scan.dcm': sampleDicom('export'),
  'Größe & Gewicht.pdf': samplePdf('A letter'),
  'big.bin': new Uint8Array(2_000_003).map((_, i) => (i * 31) & 255),
}

async function filled(): Promise<Ctx> {
  const ctx = await person(await world([HOME]), 'Ada Example', HOME)
  const source = (async function* () {
    for (const [name, bytes] of Object.entries(FILES))
      yield {
        name,
        size: bytes.length,
        async *chunks() {
          for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
        },
      }
  })()
  for await (const v of importItems(ctx, source)) expect(v.outcome).toBe('taken')
  return ctx
}

async function whole(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part.slice())
  return concat(...all)
}

/** A plain reader of ustar and pax, written from the standard and not from the writer. */
function untar(bytes: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const ascii = (at: number, length: number): string => String.fromCharCode(...bytes.subarray(at, at + length)).replace(/\0.*$/s, '')
  let path: string | undefined
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(ascii(at + 124, 12), 8)
    const sum = bytes.subarray(at, at + 512).reduce((n, b, i) => n + (i >= 148 && i < 156 ? 32 : b), 0)
    expect(Number.parseInt(ascii(at + 148, 8), 8)).toBe(sum)
    const body = bytes.subarray(at + 512, at + 512 + size)
    if (ascii(at + 156, 1) === 'x') path = /^\d+ path=(.*)\n$/.exec(text(body))![1]
    else {
      files.set(path ?? text(bytes.subarray(at, at + bytes.subarray(at).indexOf(0))), body)
      path = undefined
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

describe('what leaves the vault', () => {
  test('a Bundle holds every resource as it was written, documents inside, and is valid FHIR', async () => {
    const ctx = await filled()
    const bytes = await whole(exportBundle(ctx, await listEntries(ctx)))
    const bundle = JSON.parse(text(bytes))
    const original = JSON.parse(text(FILES['visit.json']!))
    const byUrl = new Map(bundle.entry.map((e: { fullUrl: string; resource: unknown }) => [e.fullUrl, e.resource]))
    for (const e of original.entry) expect(byUrl.get(e.fullUrl)).toEqual(e.resource)
    const documents = bundle.entry.filter(
      (e: { resource: { resourceType: string; content?: { attachment: { data: string } }[] } }) => e.resource.content?.[0]?.attachment.data,
    )
    const contents = documents.map((e: { resource: { content: { attachment: { data: string } }[] } }) =>
      toHex(sha256(Uint8Array.from(atob(e.resource.content[0]!.attachment.data), c => c.charCodeAt(0)))),
    )
    for (const name of ['scan.dcm', 'Größe & Gewicht.pdf', 'big.bin']) expect(contents).toContain(toHex(sha256(FILES[name]!)))
    const check = await loadChecker()
    expect(check(bundle).filter(i => i.severity === 'error')).toEqual([])
    expect(JSON.parse(text(await whole(exportBundle(ctx, []))))).not.toHaveProperty('entry')
  })

  test('files come out byte for byte under names that every system takes, with an index of their hashes', async () => {
    const ctx = await filled()
    const entries = await listEntries(ctx)
    const files = untar(await whole(tar(exportFiles(ctx, entries))))
    expect(files.size).toBe(entries.length + 1)
    const index = JSON.parse(text(files.get('index.json')!)) as { files: { file: string; sha256: string; size: number }[] }
    expect(index.files).toHaveLength(entries.length)
    for (const f of index.files) {
      expect(toHex(sha256(files.get(f.file)!))).toBe(f.sha256)
      expect(f.file).not.toMatch(/[<>:"\\|?*\p{Cc}]|\.\.|^\/| $/u)
    }
    const scan = [...files.entries()].find(([name]) => name.endsWith('.dcm'))!
    expect(equal(scan[1], FILES['scan.dcm']!)).toBe(true)
  })

  test('a hostile title cannot leave the folder', () => {
    const card = {
      kind: 'document',
      mediaType: 'text/x-unknown',
      title: '../../etc/passwd\n\0"; rm -rf',
      start: '../2024',
      codes: [],
      size: 1,
    } as unknown as Parameters<typeof fileNameOf>[0]['card']
    expect(fileNameOf({ id: fromHex('00112233445566778899aabbccddeeff'), card })).toBe('document/2024 etc passwd rm -rf 001122334455.bin')
  })

  test('an age file opens with its identity alone, and recipients of two kinds are never mixed', async () => {
    const [mine, other, classical] = [await generateHybridIdentity(), await generateHybridIdentity(), await generateX25519Identity()]
    const recipient = await identityToRecipient(mine)
    const content = (async function* () {
      for (let i = 0; i < 300; i++) yield utf8(`line ${i} of something that must not be read\n`)
    })()
    const file = await whole(encryptToAge(content, [recipient]))
    expect(text(file.subarray(0, 60))).toMatch(/^age-encryption\.org\/v1\n-> mlkem768x25519 /)
    expect(String.fromCharCode(...file)).not.toContain('must not be read')
    const open = new Decrypter()
    open.addIdentity(mine)
    expect(text(await open.decrypt(file))).toContain('line 299')
    const stranger = new Decrypter()
    stranger.addIdentity(other)
    await expect(stranger.decrypt(file)).rejects.toThrow()
    const mixed = await whole(encryptToAge(content, [recipient, await identityToRecipient(classical)])).catch(e => e)
    expect(isKeepwellError(mixed, 'BAD_INPUT') && mixed.message).toMatch(/cannot be mixed/)
    for (const bad of [[], ['age1pq1short'], ['nonsense']])
      expect(isKeepwellError(await whole(encryptToAge(content, bad)).catch(e => e), 'BAD_INPUT')).toBe(true)
  })
})

describe('everything', () => {
  test('is every file byte for byte, one Bundle of the FHIR, the shares, the log with this export in it, and no key', async () => {
    const ctx = await filled()
    const entries = await listEntries(ctx)
    const files = new Map<string, Uint8Array>()
    const seen: (readonly [number, number | null])[] = []
    const parts = exportEverything(ctx, { entries, readme: 'What this is.', progress: (done, total) => seen.push([done, total]) })
    for await (const part of parts) {
      const bytes = await whole(part.chunks())
      if (part.size !== null) expect([part.name, bytes.length]).toEqual([part.name, part.size])
      files.set(part.name, bytes)
    }
    const read = (name: string) => JSON.parse(text(files.get(name)!))
    for (const [name, bytes] of Object.entries(FILES).filter(([n]) => n !== 'visit.json')) {
      const listed = read('records/index.json').files.find((f: { sha256: string }) => f.sha256 === toHex(sha256(bytes)))
      expect([name, equal(files.get(`records/${listed.file}`)!, bytes)]).toEqual([name, true])
    }
    expect(read('fhir-bundle.json').entry.length).toBe(entries.filter(e => e.card.kind === 'fhir').length)
    expect(read('identity.json')).toMatchObject({ did: ctx.session.state.ring.did, name: 'Ada Example', relays: [HOME] })
    expect(read('shares.json')).toEqual({ given: [], received: [], contacts: [] })
    const log = read('who-looked.json')
    expect([log.problems, log.looked.length > 1, log.looked.at(-1).signatureOfReader]).toEqual([[], true, 'verified'])
    expect([text(files.get('README.txt')!), seen.at(-1)]).toEqual(['What this is.', [seen.length - 1, seen.length - 1]])
    expect(read('patient-summary.json')).toMatchObject({ resourceType: 'Bundle', type: 'document' })
    // A stranger checks the log from the file alone.
    const checked = await checkTrailProof(readTrailFile(files.get('who-looked.proof')!))
    expect([checked.lines.length, checked.problems]).toEqual([log.looked.length, []])
    const { ring } = ctx.session.state
    const clear = [...files.values()].map(b => new TextDecoder('latin1').decode(b)).join()
    for (const secret of [ring.inbox, ring.controller, ring.request, ring.signing.ed25519, ring.catalog, ring.recovery.tag])
      for (const form of [toHex(secret), toBase64Url(secret)]) expect(clear.includes(form)).toBe(false)
  })
})
