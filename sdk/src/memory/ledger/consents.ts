import { toHex } from '#base/bytes'
import type { TypedData } from '#crypto/secp'
import type { Address, Consents, Slot } from '#ports/ledger'
import { checkAddress, checkCount, checkHash, checkSignature } from '#ports/ledger-checks'
import { type Contract, type MemoryChain, requireMessage } from './chain.ts'

const HOUR = 3600

const typedData = (contract: Contract, primaryType: string, fields: [name: string, type: string, value: unknown][]): TypedData => ({
  domain: { name: 'Keepwell ConsentRegistry', version: '1', chainId: contract.domain.chainId, verifyingContract: contract.address },
  types: { [primaryType]: fields.map(([name, type]) => ({ name, type })) },
  primaryType,
  message: Object.fromEntries(fields.map(([name, , value]) => [name, value])),
})

const keyOf = (holder: Address, commitment: Uint8Array) => `${holder}/${toHex(commitment)}`

type Grant = Parameters<Consents['grant']>[0]

function checkGrant(input: Grant): void {
  checkAddress(input.holder, 'holder')
  checkHash(input.commitment, 'commitment')
  checkCount(input.notBefore, 'start')
  checkCount(input.expiry, 'expiry')
  checkCount(input.level, 'level', 255)
  checkCount(input.deadline, 'deadline')
  checkSignature(input.signature)
}

const grantData = (contract: Contract, input: Grant): TypedData =>
  typedData(contract, 'Grant', [
    ['commitment', 'bytes32', `0x${toHex(input.commitment)}`],
    ['notBefore', 'uint64', BigInt(input.notBefore)],
    ['expiry', 'uint64', BigInt(input.expiry)],
    ['level', 'uint8', BigInt(input.level)],
    ['deadline', 'uint256', BigInt(input.deadline)],
  ])

/** Throws what the contract would; true when the slot holds this grant already. */
function isGranted(contract: Contract, slot: Slot | undefined, input: Grant, time: number): boolean {
  if (slot?.state === 'revoked') throw contract.refuse('AlreadyRevoked')
  if (slot && slot.notBefore === input.notBefore && slot.expiry === input.expiry && slot.level === input.level) return true
  if (slot) throw contract.refuse('AlreadyGranted')
  if (input.notBefore % HOUR !== 0 || input.expiry % HOUR !== 0 || input.notBefore >= input.expiry) throw contract.refuse('InvalidPeriod')
  if (input.expiry <= time) throw contract.refuse('PeriodOver')
  if (input.level < 1 || input.level > 3) throw contract.refuse('InvalidLevel')
  return false
}

/** What ConsentRegistry does. */
export function memoryConsents(chain: MemoryChain, slots: Map<string, Slot>): Consents {
  const contract = chain.contract('ConsentRegistry@1')
  return {
    async slot(holder, commitment) {
      checkAddress(holder, 'holder')
      checkHash(commitment, 'commitment')
      return slots.get(keyOf(holder, commitment)) ?? null
    },
    async grant(input) {
      checkGrant(input)
      const { holder, commitment, notBefore, expiry, level, deadline, signature } = input
      const key = keyOf(holder, commitment)
      return contract.write((time, emit) => {
        if (isGranted(contract, slots.get(key), input, time)) return
        requireMessage(contract, { time, deadline, expected: holder, data: grantData(contract, input), signature })
        slots.set(key, { notBefore, expiry, level, state: 'live' })
        emit('Granted', { holder, commitment: commitment.slice(), notBefore, expiry, level })
      })
    },
    async revoke({ holder, commitment, deadline, signature }) {
      checkAddress(holder, 'holder')
      checkHash(commitment, 'commitment')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const key = keyOf(holder, commitment)
      const data = typedData(contract, 'Revoke', [
        ['commitment', 'bytes32', `0x${toHex(commitment)}`],
        ['deadline', 'uint256', BigInt(deadline)],
      ])
      return contract.write((time, emit) => {
        const slot = slots.get(key)
        if (slot?.state === 'revoked') return
        requireMessage(contract, { time, deadline, expected: holder, data, signature })
        slots.set(key, { ...(slot ?? { notBefore: 0, expiry: 0, level: 1 }), state: 'revoked' })
        emit('Revoked', { holder, commitment: commitment.slice() })
      })
    },
  }
}
