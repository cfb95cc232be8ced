import { hashTypedData, recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '#base/bytes'
import { sha256 } from './hash.ts'
import { recoverDigest, recoverTypedData, secpAddress, secpPublic, signDigest, signTypedData, type TypedData } from './secp.ts'
import { codeOf } from './vectors.kit.ts'

// The example of the EIP-712 text; its key is keccak-256 of "cow".
const cow = fromHex('c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4')
const mail: TypedData = {
  domain: { name: 'Ether Mail', version: '1', chainId: 1, verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC' },
  types: {
    Person: [
      { name: 'name', type: 'string' },
      { name: 'wallet', type: 'address' },
    ],
    Mail: [
      { name: 'from', type: 'Person' },
      { name: 'to', type: 'Person' },
      { name: 'contents', type: 'string' },
    ],
  },
  primaryType: 'Mail',
  message: {
    from: { name: 'Cow', wallet: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826' },
    to: { name: 'Bob', wallet: '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB' },
    contents: 'Hello, Bob!',
  },
}
const mailSignature =
  '0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c'

const grant: TypedData = {
  domain: { name: 'ConsentRegistry', version: '1', chainId: 281474976710655, verifyingContract: `0x${'1f'.repeat(20)}` },
  types: {
    Grant: [
      { name: 'holder', type: 'address' },
      { name: 'commitment', type: 'bytes32' },
      { name: 'notBefore', type: 'uint64' },
      { name: 'expiry', type: 'uint64' },
      { name: 'level', type: 'uint8' },
      { name: 'flags', type: 'bool[]' },
      { name: 'note', type: 'bytes' },
      { name: 'deadline', type: 'uint256' },
    ],
  },
  primaryType: 'Grant',
  message: {
    holder: `0x${'ab'.repeat(20)}`,
    commitment: `0x${'07'.repeat(32)}`,
    notBefore: 1_800_000_000,
    expiry: 1_900_000_000n,
    level: 2,
    flags: [true, false],
    note: '0xc0ffee',
    deadline: 2n ** 255n,
  },
}
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

describe('EIP-712', () => {
  test('the example of the standard has its published signature', () => {
    expect(secpAddress(cow)).toBe('0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826')
    expect(signTypedData(cow, mail)).toBe(mailSignature)
    expect(recoverTypedData(mail, mailSignature)).toBe(secpAddress(cow))
  })

  test.each([mail, grant])('viem signs and recovers the same: $primaryType', async data => {
    const theirs = data as unknown as Parameters<typeof hashTypedData>[0]
    const account = privateKeyToAccount(`0x${toHex(cow)}`)
    const signature = await account.signTypedData(theirs)
    expect(signTypedData(cow, data)).toBe(signature)
    expect(recoverTypedData(data, signature)).toBe(account.address.toLowerCase())
    expect((await recoverTypedDataAddress({ ...theirs, signature: signTypedData(cow, data) })).toLowerCase()).toBe(secpAddress(cow))
    expect(recoverDigest(fromHex(hashTypedData(theirs)), signature)).toBe(secpAddress(cow))
    expect(signDigest(cow, fromHex(hashTypedData(theirs)))).toBe(signature)
  })

  test('a message for another chain, contract or content recovers another address', () => {
    const signature = signTypedData(cow, grant)
    const others: TypedData[] = [
      { ...grant, domain: { ...grant.domain, chainId: 1 } },
      { ...grant, domain: { ...grant.domain, verifyingContract: `0x${'1e'.repeat(20)}` } },
      { ...grant, message: { ...grant.message, level: 3 } },
    ]
    for (const other of others) expect(recoverTypedData(other, signature)).not.toBe(secpAddress(cow))
  })

  test('data that does not match its types is refused, not signed', async () => {
    const wrong = [{ holder: 'nobody' }, { level: 256 }, { level: -1 }, { commitment: '0x07' }, { surplus: 1 }]
    for (const change of wrong)
      expect(await codeOf(() => signTypedData(cow, { ...grant, message: { ...grant.message, ...change } }))).toBe('BAD_INPUT')
    expect(await codeOf(() => signTypedData(cow, { ...grant, primaryType: 'Nothing' }))).toBe('BAD_INPUT')
  })
})

describe('secp256k1', () => {
  test('signing repeats itself and recovers its signer', () => {
    const digest = sha256(utf8('m'))
    expect(signDigest(cow, digest)).toBe(signDigest(cow, digest))
    expect(recoverDigest(digest, signDigest(cow, digest))).toBe(secpAddress(cow))
    expect(secpPublic(cow).length).toBe(33)
  })

  test('a signature has one form: high s, v of 0 or 1, and other lengths are refused', async () => {
    const digest = sha256(utf8('m'))
    const good = signDigest(cow, digest)
    const s = BigInt(`0x${good.slice(66, 130)}`)
    const high = `${good.slice(0, 66)}${(order - s).toString(16).padStart(64, '0')}${good.endsWith('1b') ? '1c' : '1b'}`
    const bad = [
      high,
      `${good.slice(0, 130)}00`,
      good.slice(0, 130),
      `${good}00`,
      good.slice(2),
      `0x${'00'.repeat(64)}1b`,
      `0x${'zz'.repeat(65)}`,
    ]
    for (const signature of bad) {
      expect(await codeOf(() => recoverDigest(digest, signature)), signature).toBe('BAD_SIGNATURE')
      expect(await codeOf(() => recoverTypedData(mail, signature)), signature).toBe('BAD_SIGNATURE')
    }
  })

  test('keys and digests of other lengths or out of range are refused', async () => {
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(255), cow.subarray(1)]) {
      expect(await codeOf(() => secpAddress(key))).toBe('BAD_INPUT')
      expect(await codeOf(() => signDigest(key, sha256()))).toBe('BAD_INPUT')
    }
    expect(await codeOf(() => signDigest(cow, new Uint8Array(31)))).toBe('BAD_INPUT')
  })
})
