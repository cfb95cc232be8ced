import { equal, toHex, utf8 } from '#base/bytes'
import { sha256 } from '#crypto/hash'
import type { TypedData } from '#crypto/secp'
import { changeOwnerTypedData, setAttributeTypedData, setRecoveryModuleTypedData } from '#identity/typed-data'
import type { Address, Identities, Signature, Written } from '#ports/ledger'
import { checkAddress, checkAttributeName, checkCount, checkSignature, ZERO_ADDRESS } from '#ports/ledger-checks'
import { type MemoryChain, signerOf } from './chain.ts'

type Attribute = { readonly name: string; readonly value: Uint8Array; readonly validTo: number }

export type Registry = {
  readonly owners: Map<Address, Address>
  readonly accepted: Map<Address, number>
  readonly attributes: Map<Address, Attribute[]>
  /** Block of the last event. */
  readonly changed: Map<Address, number>
  readonly lastMessage: Map<Address, string>
  /** Recovery modules in force: the first one named stays, for the port of a home knows but one. */
  readonly modules: Map<Address, Address>
}

export const emptyRegistry = (): Registry => ({
  owners: new Map(),
  accepted: new Map(),
  attributes: new Map(),
  changed: new Map(),
  lastMessage: new Map(),
  modules: new Map(),
})

export const ownerOf = ({ owners }: Pick<Registry, 'owners'>, identity: Address): Address => owners.get(identity) ?? identity

type Emit = Parameters<Parameters<ReturnType<MemoryChain['contract']>['write']>[0]>[1]

/** Previous block of a change, and notes this one. */
function change(chain: MemoryChain, { changed }: Registry, identity: Address): number {
  const previous = changed.get(identity) ?? 0
  changed.set(identity, chain.head().block + 1)
  return previous
}

function putOwner(chain: MemoryChain, state: Registry, emit: Emit, { identity, owner }: { identity: Address; owner: Address }): void {
  if (owner === ownerOf(state, identity)) return
  state.owners.set(identity, owner)
  emit('DIDOwnerChanged', { identity, owner, previousChange: change(chain, state, identity) })
}

/** What the recovery module in force does; by its own contract alone. */
export const recoverOwner = (chain: MemoryChain, state: Registry, identity: Address, owner: Address): Written =>
  chain.contract('PatientRegistry@1').write((_time, emit) => putOwner(chain, state, emit, { identity, owner }))

/** The newest value of `name` that is live at `time`: a later event of the same value decides about it alone, as in ERC-1056. */
function liveValue(attributes: readonly Attribute[], name: string, time: number): Uint8Array | null {
  const ended: Uint8Array[] = []
  for (const attribute of attributes.toReversed()) {
    if (attribute.name !== name || ended.some(value => equal(value, attribute.value))) continue
    if (attribute.validTo > time) return attribute.value.slice()
    ended.push(attribute.value)
  }
  return null
}

type Message = { identity: Address; time: number; deadline: number; signature: Signature; dataOf(nonce: number): TypedData }

/** What PatientRegistry does with the messages our own code sends; its owners here are keys, never contracts. */
export function memoryIdentities(chain: MemoryChain, state: Registry): Identities {
  const contract = chain.contract('PatientRegistry@1')
  const nonceOf = (signer: Address): number => state.accepted.get(signer) ?? 0

  /** Consumes the nonce if the owner signed; false for the last accepted message once more. */
  const useMessage = ({ identity, time, deadline, signature, dataOf }: Message): boolean => {
    const { message, primaryType } = dataOf(0)
    const fields = Object.entries(message).filter(([name]) => name !== 'nonce')
    const name = toHex(sha256(utf8(`${primaryType}/${fields.map(([, value]) => value).join('/')}/${signature}`)))
    if (state.lastMessage.get(identity) === name) return false
    if (time > deadline) throw contract.refuse('SignatureExpired')
    const owner = ownerOf(state, identity)
    const signer = signerOf(dataOf(nonceOf(owner)), signature)
    if (signer !== owner) throw contract.refuse('NotSignedByOwner')
    state.accepted.set(owner, nonceOf(owner) + 1)
    state.lastMessage.set(identity, name)
    return true
  }

  return {
    async owner(identity) {
      checkAddress(identity, 'identity')
      return ownerOf(state, identity)
    },
    async nonce(controller) {
      checkAddress(controller, 'controller')
      return nonceOf(controller)
    },
    async attribute(identity, name) {
      checkAddress(identity, 'identity')
      checkAttributeName(name)
      return liveValue(state.attributes.get(identity) ?? [], name, chain.time())
    },
    async setAttribute({ identity, name, value, validity, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkAttributeName(name)
      checkCount(validity, 'validity')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const dataOf = (nonce: number) => setAttributeTypedData(contract.domain, { identity, name, value, validity, nonce, deadline })
      return contract.write((time, emit) => {
        if (!useMessage({ identity, time, deadline, signature, dataOf })) return
        const attribute = { name, value: value.slice(), validTo: time + validity }
        state.attributes.set(identity, [...(state.attributes.get(identity) ?? []), attribute])
        emit('DIDAttributeChanged', { identity, ...attribute, previousChange: change(chain, state, identity) })
      })
    },
    async changeOwner({ identity, newOwner, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkAddress(newOwner, 'new owner')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const dataOf = (nonce: number) => changeOwnerTypedData(contract.domain, { identity, newOwner, nonce, deadline })
      return contract.write((time, emit) => {
        if (!useMessage({ identity, time, deadline, signature, dataOf })) return
        putOwner(chain, state, emit, { identity, owner: newOwner })
      })
    },
    async recoveryModule(identity) {
      checkAddress(identity, 'identity')
      return state.modules.get(identity) ?? null
    },
    async setRecoveryModule({ identity, module, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkAddress(module, 'recovery module')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const dataOf = (nonce: number) => setRecoveryModuleTypedData(contract.domain, { identity, module, nonce, deadline })
      return contract.write((time, emit) => {
        if (!useMessage({ identity, time, deadline, signature, dataOf }) || state.modules.has(identity)) return
        state.modules.set(identity, module)
        emit('RecoveryModuleChanged', { identity, module, pending: ZERO_ADDRESS, effectiveAt: 0 })
      })
    },
  }
}
