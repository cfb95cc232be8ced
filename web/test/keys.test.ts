import { randomBytes } from 'node:crypto'
import { openNetwork } from '@keepwell/adapters/relay/network'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import type { Keyring } from '@keepwell/sdk/identity/keyring'
import { recoveryOf, rootFromWords } from '@keepwell/sdk/identity/root'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { found, type Marker, marker } from '../../e2e/markers.ts'
import { findChromium } from '../../tools/chromium.ts'
import { everyWriting } from './canary.kit.ts'
import { begin, fill, givePasskey, hasChromium, lines, lock, openStage, PATIENCE, type Stage, sampleFile } from './journey.kit.ts'
import { type Heap, heapOf, type Said, watchWorker } from './keys.kit.ts'

const PHRASE = 'correct horse battery'
const clock = (): number => Math.floor(Date.now() / 1000)
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/** Every secret of a keyring, by name. */
function keysOf({ controller, request, signing, inbox, catalog, compartments, tokens, given, invitations }: Keyring): Marker[] {
  const named: [string, Uint8Array][] = [
    ...Object.entries({ controller, request, inbox, catalog, ed25519: signing.ed25519, mldsa65: signing.mldsa65 }),
    ...compartments.flatMap(c => c.roots.map(r => [`tree root of ${c.name}`, r.root] as [string, Uint8Array])),
    ...tokens.map(t => ['token key', t.key] as [string, Uint8Array]),
    ...given.map(g => ['holder key', g.holderKey] as [string, Uint8Array]),
    ...invitations.map(i => ['invitation secret', i.secret] as [string, Uint8Array]),
  ]
  return named.map(([name, key]) => marker(name, key))
}

describe.skipIf(!hasChromium())('keys, seen from the page', () => {
  let stage: Stage
  let browser: Browser
  beforeAll(async () => {
    stage = await openStage()
    // A picture of a heap has its strings whole.
    const args = ['--no-sandbox', '--disable-gpu', '--js-flags=--heap-snapshot-string-limit=100000000']
    browser = await chromium.launch({ executablePath: findChromium()!, args })
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await stage?.close()
  })

  const opened = async (): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB', reducedMotion: 'reduce' })
    context.setDefaultTimeout(PATIENCE)
    return context.newPage()
  }

  /** What the words of a record open, derived outside of the browser: the root, the keyring, the key of each record. */
  async function secretsOf(words: string): Promise<Marker[]> {
    const base = { clock, random, network: openNetwork() }
    const session = await restoreVault(base, { words, relay: stage.relay.url, deviceName: 'outside' })
    const ctx: Ctx = { ...base, catalog: memoryCatalog(), session }
    await receiveRecords(ctx)
    const records = await openRecords(
      ctx,
      (await listEntries(ctx)).map(e => e.id),
    )
    const root = rootFromWords(words)
    const recovery = await recoveryOf(root)
    return [
      marker('root secret', root),
      marker('recovery key', recovery.secret),
      ...keysOf(session.state.ring),
      ...records.map(r => marker('data key of a record', r.dek)),
    ]
  }

  const unlock = async (page: Page): Promise<void> => {
    await page.getByLabel('Passphrase', { exact: true }).last().fill(PHRASE)
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByText('What your record holds').waitFor()
  }
  /** Looks at all that a page may show of itself and of the record. */
  const lookAround = async (page: Page): Promise<void> => {
    for (const [hash, text] of [
      ['share', 'You share nothing'],
      ['who', 'receipts hold'],
      ['settings/devices', 'this device'],
      ['settings/lock', 'Recovery words'],
      ['settings/data', 'Export everything'],
    ] as const) {
      await page.goto(`${stage.url}/#/${hash}`)
      await page.getByText(text).first().waitFor()
    }
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill('Zyxquorbian')
    await lines(page).filter({ hasText: 'Zyxquorbian' }).first().click()
    await page.getByText('Where it came from').waitFor()
  }
  const foundIn = ({ strings, arrays }: Heap, markers: readonly Marker[]): string[] => [
    ...found(markers, strings).map(name => `a string: ${name}`),
    ...found(markers, arrays).map(name => `an array: ${name}`),
  ]

  let ada: Page
  let keys: Marker[]
  const said: Said[] = []
  const phrase = marker('the passphrase', PHRASE)
  let spoken: Marker
  const canary = everyWriting('the record', 'Zyxquorbian')

  test('none is in a message between page and worker: only words once shown, a passphrase once typed, an invitation asked for', {
    timeout: 300_000,
  }, async () => {
    let shown: Heap | undefined
    ada = await opened()
    await watchWorker(ada, said)
    await ada.goto(stage.url)
    const words = await begin(ada, { name: 'Ada Example', passphrase: PHRASE }, async screen => {
      // So long as they are shown, they are found.
      if (screen === 'words') shown = await heapOf(ada)
    })
    const allergy = { resourceType: 'AllergyIntolerance', id: 'z', code: { text: 'Zyxquorbian' } }
    await fill(ada, stage, [
      sampleFile('keys', 40),
      { name: 'z.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(allergy)) },
    ])
    await ada.goto(`${stage.url}/#/invite`)
    await ada.getByLabel('Who is it for?').fill('Dr. Rivera')
    await ada.getByRole('button', { name: 'Make the link' }).click()
    await ada.getByTestId('link').waitFor()
    await ada.goto(`${stage.url}/#/`)
    await lock(ada)
    await unlock(ada)
    await lookAround(ada)
    keys = await secretsOf(words)
    expect(keys.length).toBeGreaterThan(60)
    spoken = marker('the words', words.split(' ').slice(0, 4).join(' '))
    expect(foundIn(shown!, [spoken])).toEqual(['an array: the words'])
    const told = said.flatMap(({ way, bytes }, i) => found([...keys, spoken, phrase], bytes).map(name => `${name}: ${way}: ${aboutOf(i)}`))
    expect(told).toEqual([
      'the passphrase: to the worker: create',
      'the words: from the worker: create',
      'invitation secret: from the worker: invite',
      'the passphrase: to the worker: unlock',
    ])
  })

  /** Which call a message is, or answers: the last before it of that number, for each worker counts anew. */
  function aboutOf(index: number): string {
    const [, id, method] = /^kind \w+ id (\d+) (?:method (\w+))?/.exec(said[index]!.bytes.toString('latin1')) ?? []
    if (method || !id) return method ?? 'an event'
    const asked = (s: Said): boolean => s.way === 'to the worker' && s.bytes.toString('latin1').startsWith(`kind call id ${id} `)
    return aboutOf(said.slice(0, index).findLastIndex(asked))
  }

  test('none is in the memory of the page, with everything open; and neither is the passphrase that opened it', {
    timeout: 300_000,
  }, async () => {
    expect(foundIn(await heapOf(ada), [...keys, spoken, phrase])).toEqual([])
    const page = await ada.context().newPage()
    await page.goto(stage.url)
    await unlock(page)
    await lookAround(page)
    const heap = await heapOf(page)
    expect(foundIn(heap, [...keys, spoken, phrase])).toEqual([])
    expect(heap.holders).toEqual([])
    // What is shown is there, in the same picture.
    expect(foundIn(heap, [canary])).toEqual(['a string: the record'])

    await lock(page)
    await page.getByLabel('Passphrase', { exact: true }).last().waitFor()
    const locked = await heapOf(page)
    expect(foundIn(locked, [...keys, spoken, phrase, canary])).toEqual([])
    expect(locked.holders).toEqual([])
  })

  test('a passkey’s answer does not stay in the page either', { timeout: 300_000 }, async () => {
    const page = await opened()
    const heard: Said[] = []
    await watchWorker(page, heard)
    await givePasskey(page)
    await page.goto(stage.url)
    await begin(page, { name: 'Passkey Example' })
    await lock(page)
    await page.getByRole('button', { name: 'Unlock with your passkey' }).click()
    await page.getByText('is ready').waitFor()
    const asked = heard.filter(s => /^kind call id \d+ method (create|unlock) /.test(s.bytes.toString('latin1')))
    expect(asked).toHaveLength(2)
    const answers = asked.map(({ bytes }, i) => {
      const at = bytes.indexOf('secret ')
      expect(at).toBeGreaterThan(0)
      return marker(`answer ${i}`, bytes.subarray(at + 7, at + 39))
    })
    const heap = await heapOf(page)
    expect(foundIn(heap, answers)).toEqual([])
    expect(heap.holders).toEqual([])
  })

  test('each kind of hiding place in a page is looked into', { timeout: 300_000 }, async () => {
    const page = await opened()
    await page.goto(stage.url)
    const secret = randomBytes(48)
    const hidden = marker('secret', secret)
    const before = await heapOf(page)
    expect([foundIn(before, [hidden]), before.holders]).toEqual([[], []])
    await page.evaluate(
      bytes => {
        const key = Uint8Array.from(bytes)
        const hex = [...key].map(b => b.toString(16).padStart(2, '0')).join('')
        const view = new DataView(key.slice().buffer)
        const numbers = [...key]
        const text = btoa(String.fromCharCode(...key))
        const kept = [() => key, () => view, () => numbers, () => hex, new Map([[{}, text]])]
        document.getElementById('root')!.addEventListener('never', () => kept.length)
      },
      [...secret],
    )
    const after = await heapOf(page)
    expect(foundIn(after, [hidden])).toEqual(['a string: secret', 'an array: secret'])
    expect(after.holders.map(h => h.replace(/:.*/, '')).sort()).toEqual(['ArrayBuffer', 'ArrayBuffer', 'DataView', 'Uint8Array'])
  })
})
