import { equal, toHex } from '#base/bytes'
import type { Address, Credentials } from '#ports/ledger'
import { checkAddress, checkCount, checkHash, checkRole } from '#ports/ledger-checks'
import type { MemoryChain } from './chain.ts'

type Credential = {
  readonly issuer: Address
  readonly holder: Uint8Array
  readonly role: string
  readonly expiry: number
  readonly state: 'live' | 'suspended' | 'revoked'
}
export type CredentialTable = {
  readonly administrator: Address
  readonly issuers: Map<Address, 'accredited' | 'suspended'>
  readonly credentials: Map<string, Credential>
}

const EVENT = { live: 'CredentialReinstated', suspended: 'CredentialSuspended', revoked: 'CredentialRevoked' } as const

/** Not suspended, revoked or run out, and its issuer accredited. */
export const isLive = ({ issuers, credentials }: Omit<CredentialTable, 'administrator'>, id: Uint8Array, time: number): boolean => {
  const known = credentials.get(toHex(id))
  return known !== undefined && known.state === 'live' && known.expiry > time && issuers.get(known.issuer) === 'accredited'
}

/** What CredentialRegistry does, for one account. */
export function memoryCredentials(chain: MemoryChain, table: CredentialTable, account: Address): Credentials {
  const { administrator, issuers, credentials } = table
  const contract = chain.contract('CredentialRegistry@1')
  const requireAccredited = () => {
    if (issuers.get(account) !== 'accredited') throw contract.refuse('NotAccredited')
  }
  return {
    async status(id) {
      checkHash(id, 'credential id')
      const known = credentials.get(toHex(id))
      if (!known) return null
      const live = isLive({ issuers, credentials }, id, chain.time())
      return { issuer: known.issuer, role: known.role, expiry: known.expiry, live, holderCommitment: known.holder.slice() }
    },
    async issue({ id, holderCommitment, role, expiry }) {
      checkHash(id, 'credential id')
      checkHash(holderCommitment, 'holder commitment')
      checkRole(role)
      checkCount(expiry, 'expiry')
      return contract.write((time, emit) => {
        requireAccredited()
        const known = credentials.get(toHex(id))
        if (known) {
          const same = known.issuer === account && equal(known.holder, holderCommitment) && known.role === role && known.expiry === expiry
          if (same) return
          throw contract.refuse('CredentialExists')
        }
        if (holderCommitment.every(byte => byte === 0)) throw contract.refuse('EmptyCommitment')
        if (expiry <= time) throw contract.refuse('InvalidExpiry')
        credentials.set(toHex(id), { issuer: account, holder: holderCommitment.slice(), role, expiry, state: 'live' })
        emit('CredentialIssued', { id: id.slice(), issuer: account, holderCommitment: holderCommitment.slice(), role, expiry })
      })
    },
    async setState(id, state) {
      checkHash(id, 'credential id')
      return contract.write((time, emit) => {
        const known = credentials.get(toHex(id))
        if (known?.issuer !== account) throw contract.refuse('NotIssuer')
        if (state === 'live') requireAccredited()
        const ended = known.state === 'revoked' || known.expiry <= time
        if (ended && state !== 'revoked') throw contract.refuse('CredentialEnded')
        if (known.state === state) return
        credentials.set(toHex(id), { ...known, state })
        emit(EVENT[state], { id: id.slice() })
      })
    },
    async issuer(who) {
      checkAddress(who, 'issuer')
      return issuers.get(who) ?? null
    },
    async setIssuer(who, state) {
      checkAddress(who, 'issuer')
      return contract.write((_, emit) => {
        if (account !== administrator) throw contract.refuse('OwnableUnauthorizedAccount')
        const known = issuers.get(who)
        if (state === 'suspended' && !known) throw contract.refuse('UnknownIssuer')
        if (known === state) return
        issuers.set(who, state)
        emit(state === 'accredited' ? 'IssuerAccredited' : 'IssuerSuspended', { issuer: who })
      })
    },
  }
}
