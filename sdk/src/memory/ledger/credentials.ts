import { equal, toHex } from '#base/bytes'
import type { Address, Credentials } from '#ports/ledger'
import { checkCount, checkHash, checkRole } from '#ports/ledger-checks'
import type { MemoryChain } from './chain.ts'

type Credential = {
  readonly issuer: Address
  readonly holder: Uint8Array
  readonly role: string
  readonly expiry: number
  readonly state: 'live' | 'suspended' | 'revoked'
}
export type CredentialTable = { readonly issuers: Set<Address>; readonly credentials: Map<string, Credential> }

const EVENT = { live: 'CredentialReinstated', suspended: 'CredentialSuspended', revoked: 'CredentialRevoked' } as const

/** Not suspended, revoked or run out, and its issuer accredited. */
export const isLive = ({ issuers, credentials }: CredentialTable, id: Uint8Array, time: number): boolean => {
  const known = credentials.get(toHex(id))
  return known !== undefined && known.state === 'live' && known.expiry > time && issuers.has(known.issuer)
}

/** What CredentialRegistry does for an issuer; issuers are accredited from the start here, for the port cannot accredit. */
export function memoryCredentials(chain: MemoryChain, { issuers, credentials }: CredentialTable, account: Address): Credentials {
  const contract = chain.contract('CredentialRegistry@1')
  const requireAccredited = () => {
    if (!issuers.has(account)) throw contract.refuse('NotAccredited')
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
  }
}
