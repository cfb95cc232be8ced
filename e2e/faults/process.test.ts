import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@keepwell/daemon/http/free-port'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterEach, describe, expect, test } from 'vitest'
import { DEEP } from '#e2e/faults/world'
import { openParties, type Party } from '#e2e/parties'
import { startRelayProcess } from '#e2e/relay-process'
import { draft } from '#e2e/story'

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

const ROUNDS = DEEP ? 40 : 3

describe('the product’s own relay process, upkeep and all, killed at any moment while two devices write', () => {
  test(
    `nothing acknowledged is lost in ${ROUNDS} kills`,
    async () => {
      const dir = mkdtempSync(join(tmpdir(), 'keepwell-killed-'))
      opened.push(() => rmSync(dir, { recursive: true, force: true }))
      const port = String(await freePort())
      const settings = {
        ...{ KEEPWELL_HOME: join(dir, 'home'), KEEPWELL_PORT: port, KEEPWELL_ANCHOR_SECONDS: '1', KEEPWELL_HEAD_SECONDS: '1' },
        ...{ KEEPWELL_LOG: 'errors', KEEPWELL_RATE_PER_ADDRESS: '100000', KEEPWELL_RATE_PER_CALLER: '100000' },
      }
      let relay = await startRelayProcess({ settings })
      opened.push(() => relay.kill())
      const parties = openParties(dir)
      opened.push(() => parties.close())
      const url = `http://127.0.0.1:${port}`
      const first = await parties.make('Ada Example', url)
      const second = await parties.restored(first, url)
      await refreshRing(first)
      const kept = new Map<string, Uint8Array>()
      const codes = new Set<string>()
      const write = async (party: Party, until: Promise<unknown>) => {
        let over = false
        void until.then(() => {
          over = true
        })
        while (!over) {
          const drafts = [300, 40_000].map(size => draft(party, 'laboratory', 'x', party.random(size)))
          const code = await codeOf(async () => {
            await fileRecords(party, drafts)
            for (const d of drafts) kept.set(toHex(d.id), d.body as Uint8Array)
          })
          codes.add(code)
        }
      }
      for (let round = 0; round < ROUNDS; round++) {
        const { gone } = relay
        const before = kept.size
        const writing = Promise.all([write(first, gone), write(second, gone)])
        await expect.poll(() => kept.size).toBeGreaterThan(before)
        await new Promise(done => setTimeout(done, 300 + ((round * 271) % 900)))
        await relay.kill()
        await writing
        relay = await startRelayProcess({ settings })
      }
      expect([...codes].sort()).toEqual(['RELAY_UNREACHABLE', 'no error'])
      await receiveRecords(first)
      expect((await receiveRecords(first)).problems).toEqual([])
      const found = await openRecords(first, [...kept.keys()].map(fromHex))
      expect(found.filter(o => equal(o.body, kept.get(toHex(o.meta.id))!))).toHaveLength(kept.size)
      for (let i = 0; i < 300 && (await confirmAnchors(first, await listEntries(first))).waiting; i++)
        await new Promise(done => setTimeout(done, 200))
      expect(await confirmAnchors(first, await listEntries(first))).toEqual({ confirmed: 0, waiting: 0, wrong: [] })
      expect((await verifyTrail(first)).problems).toEqual([])
      expect(await relay.stop(), 'an orderly stop ends with success').toBe(0)
      console.info(
        `${ROUNDS} kills, ${kept.size} acknowledged records, none lost; ${(await listEntries(first)).length - kept.size} more arrived unacknowledged, whole`,
      )
    },
    300_000 + ROUNDS * 20_000,
  )
})
