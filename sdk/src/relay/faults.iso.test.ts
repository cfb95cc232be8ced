import { describe, expect, test } from 'vitest'
import { readLogHead } from '#audit/head'
import { toHex } from '#base/bytes'
import { leafHash, verifyInclusion } from '#crypto/merkle'
import { sign } from '#identity/signed'
import type { Block } from '#ports/blocks'
import * as kit from '#ports/party.kit'
import { codeOf, type Desk, type DeskVault, desk } from './desk.kit.ts'
import { arm, disarm, noPlan, type Plan } from './faulty.kit.ts'

/** Runs `attempt` with the n-th port call failing, for every n, both ways; after each failure, what must always hold is checked. */
async function everywhere(plan: Plan, attempt: (round: number) => Promise<{ work: () => Promise<unknown>; after: () => Promise<void> }>) {
  const hits: string[] = []
  for (const when of ['before', 'after'] as const)
    for (let n = 1; ; n++) {
      disarm(plan)
      const { work, after } = await attempt(n)
      arm(plan, n, when)
      const code = await codeOf(work)
      const hit = plan.hit
      disarm(plan)
      if (!hit) {
        await after()
        break
      }
      hits.push(`${when} ${hit}`)
      expect([hit, code]).toEqual([hit, 'STORAGE_FULL'])
      await after()
      expect(n).toBeLessThan(60)
    }
  return hits
}

/** Receipts without a gap, each in the log where it says. */
async function wholeTrail(d: Desk, v: DeskVault): Promise<number> {
  const { receipts, head, last } = await d.callAs(v, 'receipts', { after: 0, limit: 512 })
  const { size, root } = readLogHead(head.signed)
  expect(receipts.map(r => r.sealed.seq)).toEqual(Array.from({ length: last }, (_, i) => i + 1))
  for (const { sealed, path } of receipts)
    expect(verifyInclusion({ leaf: leafHash(sealed.hash), index: sealed.index, size, path, root })).toBe(true)
  return last
}

const ids = (g: { items: readonly { id: Uint8Array }[] }) => g.items.map(i => i.id)

describe('when a port fails at any call', () => {
  test('filing: nothing acknowledged is unreadable, and filing the same again succeeds', async () => {
    const plan = noPlan()
    const d = await desk('fault submit', plan)
    const v = await d.vault()
    const acknowledged: Block[] = []
    const hits = await everywhere(plan, async () => {
      const payload = d.block()
      const group = d.groupFor(v, v.general, [payload])
      const work = async () => {
        await d.putBlocks(v, v, [payload])
        await d.callAs(v, 'submit', { vault: v.did, groups: [group], purpose: 'PATRQT' })
      }
      return {
        work,
        after: async () => {
          await work()
          acknowledged.push(payload)
          const open = await d.open(v, v, ids(group))
          expect(open.groups.flatMap(g => g.items.map(i => toHex(i.key!)))).toEqual([toHex(group.items[0]!.key)])
          expect(await d.fetched(open.capability, [payload.cid])).toEqual([payload])
        },
      }
    })
    expect(hits.length).toBeGreaterThan(8)
    await d.restart()
    for (const b of acknowledged) expect(await d.ports.blocks.has(b.cid)).toBe(true)
    const list = await d.list(v, v)
    expect(list.groups.flatMap(g => g.items).length).toBeGreaterThanOrEqual(acknowledged.length)
    await wholeTrail(d, v)
  })

  test('access: what fails returns nothing, receipts keep their order, and asking again succeeds', async () => {
    const plan = noPlan()
    const d = await desk('fault access', plan)
    const v = await d.vault()
    const { group } = await d.file(v, [d.block()])
    const reader = await d.party()
    const { encoded } = await d.granted(v, reader)
    const hits = await everywhere(plan, async round => ({
      work: () => d.open(reader, v, ids(group), encoded),
      after: async () => {
        const before = await wholeTrail(d, v)
        if (round % 3 === 0) await d.restart()
        expect((await d.open(reader, v, ids(group), encoded)).verdict).toBe('allowed')
        expect(await wholeTrail(d, v)).toBe(before + 1)
      },
    }))
    for (const port of ['envelopes.transact', 'log.append', 'ledger.consents.slot']) expect(hits.some(h => h.endsWith(port))).toBe(true)
  })

  test('granting: a consent is there or not, never half, and granting again succeeds', async () => {
    const plan = noPlan()
    const d = await desk('fault grant', plan)
    const v = await d.vault()
    const { group } = await d.file(v, [d.block()])
    const reader = await d.party()
    await everywhere(plan, async () => {
      const c = await kit.makeConsent(d.home, v, { grantee: reader.did, level: 'read', compartments: [v.general] }, d.state.time, d.random)
      const work = () => d.callAs(v, 'meta', kit.grantBody(d.home, c, d.state.time))
      return {
        work,
        after: async () => {
          await work()
          expect((await d.open(reader, v, ids(group), c.encoded)).verdict).toBe('allowed')
        },
      }
    })
  })

  test('revoking: a reader never gains by the failure, and revoking again ends it here and on the ledger', async () => {
    const plan = noPlan()
    const d = await desk('fault revoke', plan)
    const v = await d.vault()
    const { group } = await d.file(v, [d.block()])
    const reader = await d.party()
    await everywhere(plan, async () => {
      const c = await d.granted(v, reader)
      const work = () => d.callAs(v, 'revoke', kit.revokeBody(d.home, c, d.state.time))
      return {
        work,
        after: async () => {
          await work()
          await d.restart()
          expect((await d.open(reader, v, ids(group), c.encoded)).reasons).toContain('revoked')
          expect((await d.ledger.consents.slot(c.terms.holder, c.commitment))?.state).toBe('revoked')
          await wholeTrail(d, v)
        },
      }
    })
  })

  test('T15: a revocation that the ledger does not take counts at the relay all the same, after a restart too, and no grant undoes it', async () => {
    const plan = noPlan()
    const d = await desk('fault ledger', plan)
    const v = await d.vault()
    const { group } = await d.file(v, [d.block()])
    const reader = await d.party()
    const away = 'ledger.consents.revoke'
    let c = await d.granted(v, reader)
    for (let n = 1; plan.hit !== away; n++) {
      disarm(plan)
      c = await d.granted(v, reader)
      arm(plan, n)
      expect(await codeOf(() => d.callAs(v, 'revoke', kit.revokeBody(d.home, c, d.state.time)))).toBe('STORAGE_FULL')
    }
    disarm(plan)
    const refused = async () => expect((await d.open(reader, v, ids(group), c.encoded)).reasons).toEqual(['revoked'])
    expect((await d.ledger.consents.slot(c.terms.holder, c.commitment))?.state).toBe('live')
    await refused()
    await d.restart()
    await refused()
    await codeOf(() => d.callAs(v, 'meta', kit.grantBody(d.home, c, d.state.time)))
    await refused()
  })

  test('erasing: what was struck stays struck, survivors open, and recovery finishes the destruction', async () => {
    const plan = noPlan()
    const d = await desk('fault erase', plan)
    const v = await d.vault()
    const kept = d.block()
    const survivor = await d.file(v, [kept])
    const hits = await everywhere(plan, async round => {
      const payload = d.block()
      const { group } = await d.file(v, [payload])
      const [id] = ids(group)
      return {
        work: () => d.erase(v, [id!]),
        after: async () => {
          if (round % 2 === 0) await d.restart()
          const again = await d.erase(v, [id!])
          expect(again.receipt.signer).toBe(d.home.relay)
          expect((await d.open(v, v, [id!])).groups).toEqual([])
          expect(await d.ports.blocks.has(payload.cid)).toBe(false)
          expect(await codeOf(() => d.callAs(v, 'submit', { vault: v.did, groups: [group], purpose: 'PATRQT' }))).not.toBe('no error')
          const { groups, capability } = await d.open(v, v, ids(survivor.group))
          expect(toHex(groups[0]!.items[0]!.key!)).toBe(toHex(survivor.group.items[0]!.key))
          expect(await d.fetched(capability, [kept.cid])).toEqual([kept])
          expect(await d.ports.envelopes.vaults('doomed')).toEqual([])
        },
      }
    })
    for (const port of ['shred.put', 'shred.destroy', 'blocks.drop', 'envelopes.transact'])
      expect(hits.some(h => h.endsWith(port))).toBe(true)
  })

  test('ending a vault: nothing is served once it began, and it is finished when asked again or at the next start', async () => {
    const plan = noPlan()
    const d = await desk('fault end', plan)
    const hits = await everywhere(plan, async round => {
      const v = await d.vault()
      const payload = d.block()
      const { group } = await d.file(v, [payload])
      const tombstone = await sign(v, 'tombstone', { v: 1, vault: v.did, whole: 1, at: d.state.time })
      const end = () => d.callAs(v, 'erase-vault', { tombstone })
      return {
        work: end,
        after: async () => {
          const begun = (await d.ports.envelopes.vaults('sweep')).includes(v.did)
          if (begun) expect(await codeOf(() => d.open(v, v, ids(group)))).toBe('ERASED')
          if (begun && round % 2 === 0) await d.restart()
          else expect((await end()).receipt.signer).toBe(d.home.relay)
          expect(await codeOf(() => d.open(v, v, ids(group)))).toBe('ERASED')
          expect(await d.ports.blocks.has(payload.cid)).toBe(false)
          expect(await d.ports.envelopes.vaults('sweep')).toEqual([])
          for (const kind of ['bundle', 'env', 'seq', 'id', 'page', 'bucket', 'group', 'nonce', 'counter'])
            expect([kind, await d.ports.envelopes.read(v.did, rows => rows.count(kind))]).toEqual([kind, 0])
        },
      }
    })
    for (const port of ['shred.destroy', 'blocks.drop', 'envelopes.transact', 'envelopes.scrub'])
      expect([port, hits.some(h => h.endsWith(port))]).toEqual([port, true])
  })

  test('re-sealing: the record stays readable throughout, and the old shred key goes', async () => {
    const plan = noPlan()
    const d = await desk('fault reseal', plan)
    const v = await d.vault()
    const payload = d.block()
    const { group } = await d.file(v, [payload])
    let now = group.items[0]!
    await everywhere(plan, async () => {
      const other = d.groupFor(v, v.other, [payload])
      const next = { ...other.items[0]!, id: now.id, leaf: now.leaf }
      const before = now
      const body = { vault: v.did, groups: [{ ...other, items: [next] }], purpose: 'PATRQT' as const, replace: true }
      return {
        work: () => d.callAs(v, 'submit', body),
        after: async () => {
          const { groups } = await d.open(v, v, [now.id])
          expect([toHex(before.key), toHex(next.key)]).toContain(toHex(groups[0]!.items[0]!.key!))
          await d.callAs(v, 'submit', body)
          now = next
          expect(toHex((await d.open(v, v, [now.id])).groups[0]!.items[0]!.key!)).toBe(toHex(next.key))
          await d.restart()
          expect(await d.ports.envelopes.vaults('doomed')).toEqual([])
        },
      }
    })
  })

  test('changing head and keyring: both or neither, and the change succeeds when made again', async () => {
    const plan = noPlan()
    const d = await desk('fault head', plan)
    const v = await d.vault()
    let keyring = kit.makeKeyring(v, 1, d.random)
    let head = await kit.headOf(v, keyring, null, d.state.time)
    await d.callAs(v, 'put-head', { head, keyring })
    await everywhere(plan, async () => {
      const next = kit.makeKeyring(v, keyring.version + 1, d.random)
      const nextHead = await kit.headOf(v, next, head, d.state.time)
      return {
        work: () => d.callAs(v, 'put-head', { head: nextHead, keyring: next }),
        after: async () => {
          const state = await d.callAs(v, 'get-state', {})
          const pair = [state.head, state.keyring]
          expect([
            [head, keyring],
            [nextHead, next],
          ]).toContainEqual(pair)
          await d.callAs(v, 'put-head', { head: nextHead, keyring: next })
          head = nextHead
          keyring = next
        },
      }
    })
  })

  test('anchoring: every record is anchored in the end, and its proof holds on the ledger', async () => {
    const plan = noPlan()
    const d = await desk('fault anchor', plan)
    const v = await d.vault()
    await everywhere(plan, async () => {
      const { group } = await d.file(v, [d.block(), d.block()])
      return {
        work: () => d.relay.anchor(),
        after: async () => {
          await d.relay.anchor()
          const { anchors } = await d.callAs(v, 'anchors', { vault: v.did, ids: ids(group) })
          expect(anchors).toHaveLength(2)
          for (const a of anchors) {
            const { leaf } = group.items.find(i => toHex(i.id) === toHex(a.id))!
            expect(verifyInclusion({ leaf, ...a })).toBe(true)
            expect((await d.ledger.anchors.of(a.root))?.size).toBe(a.size)
          }
        },
      }
    })
  })
})

describe('receipt first', () => {
  test('when receipt or log cannot be written, nothing leaves: no groups, no keys, no capability', async () => {
    const plan = noPlan()
    const d = await desk('first', plan)
    const v = await d.vault()
    const { group } = await d.file(v, [d.block()])
    const counted: string[] = []
    arm(plan, Number.POSITIVE_INFINITY)
    await d.open(v, v, ids(group))
    counted.push(...plan.calls)
    const guarded = counted
      .map((name, i) => [name, i + 1] as const)
      .filter(([name]) => name === 'envelopes.transact' || name === 'log.append')
    expect(guarded).toHaveLength(2)
    for (const [, at] of guarded)
      for (const when of ['before', 'after'] as const) {
        arm(plan, at, when)
        let answer: unknown = null
        expect(await codeOf(async () => (answer = await d.open(v, v, ids(group))))).toBe('STORAGE_FULL')
        expect(answer).toBeNull()
        const served = plan.calls.slice(at)
        expect(served).toEqual([])
      }
  })

  test('a hundred accesses at once are numbered without a gap', async () => {
    const d = await desk('hundred')
    const v = await d.vault()
    const { group } = await d.file(v, [d.block()])
    const reader = await d.party()
    const { encoded } = await d.granted(v, reader)
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 ? d.open(reader, v, ids(group), encoded) : d.list(v, v))),
    )
    expect(new Set(answers.map(a => toHex(a.receipt.signed.message))).size).toBe(100)
    expect(await wholeTrail(d, v)).toBe(100)
  })

  test('the trail can be read while it is being written, without a false gap', async () => {
    const d = await desk('busy')
    const v = await d.vault()
    const [, ...reads] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => d.list(v, v))),
      ...Array.from({ length: 20 }, () => d.callAs(v, 'receipts', { after: 0, limit: 512 })),
    ])
    for (const r of reads) expect((r as { receipts: unknown[]; last: number }).receipts.length).toBe((r as { last: number }).last)
  })
})

describe('what erasing leaves', () => {
  test('no byte of the sealed key or card, in any bucket key’s reach; survivors open; the old shred key is gone for ever', async () => {
    const d = await desk('bytes')
    const destroyed: string[] = []
    const named: string[] = []
    const { shred } = d.context
    const put = shred.put.bind(shred)
    const destroy = shred.destroy.bind(shred)
    Object.assign(shred, {
      put: (name: string, key: Uint8Array) => put(named[named.push(name) - 1]!, key),
      destroy: (name: string) => destroy(destroyed[destroyed.push(name) - 1]!),
    })
    const v = await d.vault()
    const { group } = await d.file(v, [d.block(), d.block()])
    const [gone, kept] = group.items
    const snapshot = await rowsOf(d, v)
    await d.erase(v, [gone!.id])
    expect(destroyed).toEqual([named[0]])
    expect(await d.context.shred.get(named[0]!)).toBeNull()
    const after = await rowsOf(d, v)
    // What a backup of the database before still holds was wrapped under a key that is no more; what is there now is other bytes.
    for (const row of snapshot.filter(r => r.kind === 'env')) expect(after.some(r => toHex(r.value) === toHex(row.value))).toBe(false)
    for (const row of [...snapshot, ...after])
      for (const secret of [gone!.key, gone!.card]) expect(toHex(row.value).includes(toHex(secret))).toBe(false)
    expect(toHex((await d.open(v, v, [kept!.id])).groups[0]!.items[0]!.key!)).toBe(toHex(kept!.key))
  })

  test('a re-sealed envelope’s old wrapping is shredded too', async () => {
    const d = await desk('reshred')
    const v = await d.vault()
    const payload = d.block()
    const { group } = await d.file(v, [payload, d.block()])
    const [first, second] = group.items
    const before = new TextDecoder().decode((await rowsOf(d, v)).find(r => r.kind === 'bucket')!.value)
    const other = d.groupFor(v, v.other, [payload])
    const item = { ...other.items[0]!, id: first!.id, leaf: first!.leaf }
    await d.callAs(v, 'submit', { vault: v.did, groups: [{ ...other, items: [item] }], purpose: 'PATRQT', replace: true })
    expect(await d.ports.shred.get(before)).toBeNull()
    const open = await d.open(v, v, [first!.id, second!.id])
    expect(open.groups.flatMap(g => g.items.map(i => toHex(i.key!))).sort()).toEqual([toHex(item.key), toHex(second!.key)].sort())
  })

  test('an erasure and a reading at the same time: the reading fails cleanly or reads what is left', async () => {
    const d = await desk('race')
    const v = await d.vault()
    const { group } = await d.file(
      v,
      Array.from({ length: 12 }, () => d.block()),
    )
    const all = ids(group)
    const work = all.slice(0, 6).flatMap(id => [d.erase(v, [id]).then(() => 'ok'), d.open(v, v, all).then(() => 'ok')])
    expect(await Promise.all(work)).toEqual(work.map(() => 'ok'))
    expect((await d.open(v, v, all)).groups.flatMap(g => g.items)).toHaveLength(6)
  })

  test('tombstones of somebody else, or over another vault’s ids, erase nothing', async () => {
    const d = await desk('tombs')
    const [v, other] = [await d.vault(), await d.vault()]
    const { group } = await d.file(v, [d.block()])
    const forged = await sign({ ...other, did: v.did }, 'tombstone', { v: 1, vault: v.did, ids: ids(group), at: d.state.time })
    expect(await codeOf(() => d.callAs(v, 'erase', { tombstone: forged }))).toBe('BAD_SIGNATURE')
    await d.erase(other, ids(group))
    expect((await d.open(v, v, ids(group))).groups[0]!.items).toHaveLength(1)
  })
})

const KINDS = [
  'bundle',
  'state',
  'page',
  'group',
  'env',
  'seq',
  'id',
  'bucket',
  'doomed',
  'tomb',
  'unanchored',
  'anchor',
  'rcpt',
  'msg',
  'copy',
]
async function rowsOf(d: Desk, v: DeskVault) {
  return d.ports.envelopes.read(v.did, async rows => {
    const out: { kind: string; key: Uint8Array; value: Uint8Array }[] = []
    for (const kind of KINDS) for (const r of await rows.scan(kind, { limit: 1000 })) out.push({ kind, ...r })
    return out
  })
}
