import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const folder = temporary()
afterAll(() => folder.remove())

/** Commands of several people at once, each at a home of their own. */
async function introduced(ada: Desk, other: Desk): Promise<void> {
  const { link } = await ada.json('invite')
  await other.json('join', link)
}

test('three friends are put in charge; two vote for a new machine, and the owner’s old one stops it', { timeout: 900_000 }, async () => {
  const port = String(await freePort())
  const home = `http://127.0.0.1:${port}`
  const ada = seat(join(folder.path, 'ada'), { KEEPWELL_PORT: port })
  await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', join(folder.path, 'ada.words'))
  const server = await ada.serve('start')
  const friends = ['Ben', 'Cem', 'Dee'].map(name => ({ name, at: seat(join(folder.path, name)) }))
  for (const { name, at } of friends) {
    const words = join(folder.path, `${name}.words`)
    await at.json('init', '--name', name, '--no-passphrase', '--relay', home, '--words-file', words)
    await introduced(ada, at)
  }
  await ada.json('sync')
  for (const { name } of friends) await ada.json('guardians', 'add', name)
  for (const { at } of friends)
    expect((await at.json('guardians', 'accept', 'Ada')).guarding).toMatchObject([{ agreed: true, holds: false }])
  expect((await ada.run('guardians', 'set', '--take', '3')).code).toBe(3)
  expect((await ada.json('guardians', 'set', '--take', '2')).inForce).toMatchObject({ take: 2, wait: 3 * 86_400 })
  for (const { at } of friends) expect((await at.json('guardians')).guarding).toMatchObject([{ holds: true }])

  const phone = seat(join(folder.path, 'phone'))
  const { link, digits } = await phone.json('recover', 'begin', '--relay', home, '--no-passphrase', '--device', 'phone')
  const vote = (at: Desk, said: string) => at.run('recover', 'vote', link, '--for', 'Ada Example', '--digits', said)
  expect((await vote(friends[0]!.at, '0000 0000 0000')).code).toBe(4)
  expect((await vote(friends[0]!.at, digits)).code).toBe(0)
  expect((await vote(friends[2]!.at, digits)).code).toBe(0)
  expect(await phone.json('recover', 'status')).toMatchObject({ votes: 2, needed: 2, round: null })
  expect((await phone.json('recover', 'finish')).round).toMatchObject({ number: 1, state: 'running', final: false })
  expect(existsSync(join(phone.dir, 'device.cbor'))).toBe(false)

  expect((await ada.run('sync')).out).toMatch(/SOMEBODY IS TAKING THIS RECORD OVER/)
  expect((await ada.run('recover', 'cancel')).code).toBe(2)
  await ada.json('recover', 'cancel', '--yes')
  expect((await phone.run('recover', 'finish')).err).toMatch(/0 guardians agreed of the 3/)
  expect((await phone.run('recover', 'status')).out).toMatch(/One guardian more makes it final/)

  // All three vote once more; nobody can stop that, and after twice the time lock the record is on the new machine.
  for (const { at } of friends) expect((await vote(at, digits)).code).toBe(0)
  expect((await phone.json('recover', 'finish')).round).toMatchObject({ number: 2, state: 'running', final: true })
  expect((await ada.run('recover', 'cancel', '--yes')).code).not.toBe(0)
  await server.stop()
  const early = 6 * 86_400 - 3600
  const nearly = await seat(ada.dir, { KEEPWELL_PORT: port }, early).serve('start')
  expect((await seat(phone.dir, {}, early).json('recover', 'finish')).round).toMatchObject({ state: 'running' })
  await nearly.stop()
  const then = 6 * 86_400 + 60
  const over = await seat(ada.dir, { KEEPWELL_PORT: port }, then).serve('start')
  const back = seat(phone.dir, {}, then)
  const { recoveryWords } = await back.json('recover', 'finish')
  expect(recoveryWords.split(' ')).toHaveLength(24)
  expect(existsSync(join(phone.dir, 'device.cbor'))).toBe(true)
  expect(existsSync(join(phone.dir, 'plea.cbor'))).toBe(false)
  expect((await back.run('sync')).code).toBe(0)
  expect((await back.json('guardians')).inForce).toMatchObject({ take: 2 })
  // The old machine and the old words are out.
  expect((await seat(ada.dir, { KEEPWELL_PORT: port }, then).run('sync')).code).not.toBe(0)
  const other = seat(join(folder.path, 'other'), {}, then)
  const old = ['restore', '--words-file', join(folder.path, 'ada.words'), '--relay', home, '--no-passphrase']
  expect((await other.run(...old)).err).toMatch(/WRONG_WORDS|belong to no vault/)

  // Then the home is lost as well: a rehearsal passes, and the backup comes back at a home with a ledger of its own, where keys go on.
  const [kept, words] = [join(folder.path, 'kept.backup'), join(folder.path, 'new.words')]
  writeFileSync(words, recoveryWords)
  await back.json('backup', '--out', kept)
  expect(await back.json('backup', 'drill', kept)).toMatchObject({ missing: 0, kept: true })
  await over.stop()
  const anew = seat(join(folder.path, 'anew'), { KEEPWELL_PORT: String(await freePort()) }, then)
  expect((await anew.json('restore', kept, '--words-file', words, '--no-passphrase')).problems).toEqual([])
  expect(await anew.json('verify')).toMatchObject({ ok: true })
})
