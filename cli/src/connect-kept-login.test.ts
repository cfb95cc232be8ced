import { finishKeptLogin, keepLogin, keptLogin } from '@keepwell/sdk/actions/connect/begun-logins'
import { connections } from '@keepwell/sdk/actions/connect/connections'
import { beginLogin, findHospital } from '@keepwell/sdk/actions/connect/log-in'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { afterEach, expect, test } from 'vitest'
import { closeHospitals, hospital, patientOf, powers, REDIRECT } from './connect.kit.ts'
import { fill, type Hospital } from './hospital.kit.ts'

// A login that is begun, left, and ended later, over real HTTP, with a vault in memory; the page that does so is in `web/test/hospital.test.ts`.

afterEach(closeHospitals)

async function begun(h: Hospital) {
  const all = powers(await patientOf())
  const login = await beginLogin(all, { hospital: await findHospital(all, h.base), redirect: REDIRECT })
  await keepLogin(all, login, { label: 'West' })
  const returned = async (): Promise<string> => (await fetch(login.url, { redirect: 'manual' })).headers.get('location')!
  const finish = async (at: string, ctx = all) => finishKeptLogin(ctx, await keptLogin(ctx, at), at)
  return { all, login, returned, finish }
}
const refusal = (code: Parameters<typeof isKeepwellError>[1]) => (e: unknown) => isKeepwellError(e, code)

async function ofOne(): Promise<Hospital> {
  const h = await hospital()
  fill(h, 1)
  return h
}

test('T38: a login that was left is ended by the answer to it, once, and in the vault where it was begun', async () => {
  const h = await ofOne()
  const { all, returned, finish } = await begun(h)
  const answer = await returned()
  const other = powers(await patientOf())
  await expect(finish(answer, other)).rejects.toSatisfy(refusal('NOT_FOUND'))
  await expect(finish(`${REDIRECT}?code=1&state=guessed`)).rejects.toSatisfy(refusal('NOT_FOUND'))
  await expect(finish('no address')).rejects.toSatisfy(refusal('NOT_FOUND'))
  expect(await connections(other)).toEqual([])
  expect(await finish(answer)).toMatchObject({ label: 'West', base: h.base, patient: 'p-1' })
  await expect(finish(answer)).rejects.toSatisfy(refusal('NOT_FOUND'))
  expect(await connections(all)).toHaveLength(1)
})

test('T38: another issuer’s answer, or a no, ends the login without a connection', async () => {
  for (const wrong of ['iss', 'no'] as const) {
    const h = await ofOne()
    const { all, returned, finish } = await begun(h)
    const at = new URL(await returned())
    if (wrong === 'iss') at.searchParams.set('iss', 'https://evil.example')
    else {
      at.searchParams.delete('code')
      at.searchParams.set('error', 'access_denied')
    }
    await expect(finish(at.href)).rejects.toSatisfy(refusal('DENIED'))
    await expect(finish(at.href)).rejects.toSatisfy(refusal('NOT_FOUND'))
    expect(await connections(all)).toEqual([])
  }
})

test('a login whose server could not be asked can be ended once it answers; after an hour it cannot', async () => {
  const h = await ofOne()
  const { all, returned, finish } = await begun(h)
  const answer = await returned()
  const late = { ...all, clock: () => all.clock() + 3601 }
  await expect(finish(answer, late)).rejects.toSatisfy(refusal('NOT_FOUND'))

  const login = await keptLogin(all, answer)
  const nowhere = { ...login, server: { ...login.server, token: 'http://127.0.0.1:1/token' } }
  await expect(finishKeptLogin(all, nowhere, answer)).rejects.toSatisfy(refusal('PEER_FAILED'))
  expect(await finish(answer)).toMatchObject({ base: h.base })
})
