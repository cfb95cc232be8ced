import { describe, expect, test } from 'vitest'
import { seededRandom } from '#actions/story.kit'
import { encode } from '#base/cbor'
import { isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { newDevice, openByPasskey, openDevice, passkeyFile, sealDevice, sealToPasskey } from './device.ts'

const random = seededRandom('device')
const VAULT = 'did:ethr:0x539:0x00000000000000000000000000000000000000aa'
const COST = { memoryKiB: 8192, passes: 1, lanes: 1 }

const code = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (e) {
    return isKeepwellError(e) ? e.code : String(e)
  }
  return 'no error'
}

describe('a device at rest', () => {
  test('opens with its passphrase and with no other', async () => {
    const device = await newDevice(VAULT, 'phone', random)
    const file = await sealDevice(device, 'correct horse', COST, random)
    expect(await openDevice(file, 'correct horse')).toEqual(device)
    expect(await code(openDevice(file, 'correct house'))).toBe('WRONG_PASSPHRASE')
  })

  test('opens with its passkey, after a round through the file, and with no other', async () => {
    const device = await newDevice(VAULT, 'phone', random)
    const passkey = { credential: random(48), salt: random(32), secret: random(32) }
    const file = decodeAs(passkeyFile, encode(await sealToPasskey(device, passkey, random)))
    expect(await openByPasskey(file, passkey.secret)).toEqual(device)
    expect(await code(openByPasskey(file, random(32)))).toBe('NO_KEY')
  })

  test('what stands beside the sealed key is bound to it', async () => {
    const device = await newDevice(VAULT, 'phone', random)
    const passkey = { credential: random(48), salt: random(32), secret: random(32) }
    const file = await sealToPasskey(device, passkey, random)
    for (const altered of [{ name: 'other' }, { credential: random(48) }, { salt: random(32) }, { id: random(16) }])
      expect(await code(openByPasskey({ ...file, ...altered }, passkey.secret))).toBe('NO_KEY')
  })

  test('a passkey answer of another length is refused', async () => {
    const device = await newDevice(VAULT, 'phone', random)
    const short = { credential: random(48), salt: random(32), secret: random(16) }
    expect(await code(sealToPasskey(device, short, random))).toBe('BAD_INPUT')
  })
})
