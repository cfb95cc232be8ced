import { equal, toHex } from '#base/bytes'
import { approveTypedData, preauthoriseTypedData, requestTypedData, reviewTypedData, vetoTypedData } from '#identity/emergency-typed-data'
import type { Address, Emergencies, EmergencyRequest, EmergencyRules } from '#ports/ledger'
import { checkAddress, checkCount, checkHash, checkRules, checkSignature, ZERO_ADDRESS } from '#ports/ledger-checks'
import { type Contract, type MemoryChain, requireMessage } from './chain.ts'
import { type CredentialTable, isLive } from './credentials.ts'

const DAY = 86_400
const MINUTE = 60
/** EmergencyAccess.LIMIT */
const LIMIT = 8

type Asked = {
  readonly credential: Uint8Array
  readonly responder: Address
  readonly rules: EmergencyRules
  readonly requestedAt: number
  readonly reasonHash: Uint8Array
  second: Uint8Array | null
  opensAt: number | null
  vetoed: boolean
  reviewHash: Uint8Array | null
}

export type EmergencyTable = {
  readonly requests: Map<string, Asked>
  readonly responders: Map<string, Address>
  readonly barred: Set<string>
  /** Minutes of the newest requests under a credential, oldest first. */
  readonly recent: Map<string, readonly number[]>
}

export const emptyEmergencies = (): EmergencyTable => ({
  requests: new Map(),
  responders: new Map(),
  barred: new Set(),
  recent: new Map(),
})

function stateOf(r: Asked, time: number): EmergencyRequest['state'] {
  if (r.vetoed) return 'vetoed'
  if (r.opensAt === null) return time < r.requestedAt + DAY ? 'waiting' : 'over'
  if (time < r.opensAt) return 'waiting'
  return time < r.opensAt + r.rules.window ? 'open' : 'over'
}

const barKey = (veto: Address, credential: Uint8Array): string => `${veto}/${toHex(credential)}`

const sane = ({ veto, delay, window, persons }: EmergencyRules): boolean =>
  veto !== ZERO_ADDRESS && window > 0 && window <= DAY && delay <= DAY && (persons === 1 || persons === 2)

const closing = ({ opensAt, rules }: Asked): number | null => (opensAt === null ? null : opensAt + rules.window)

type Ask = Parameters<Emergencies['ask']>[0]

function checkMessage(input: { readonly tag: Uint8Array; readonly deadline: number; readonly signature: string }): void {
  checkHash(input.tag, 'tag')
  checkCount(input.deadline, 'deadline')
  checkSignature(input.signature)
}

function checkAsk(input: Ask): void {
  checkMessage(input)
  checkHash(input.reasonHash, 'reason')
  checkHash(input.credential, 'credential id')
  checkRules(input.rules)
  if (input.preauthorisation) checkSignature(input.preauthorisation.signature)
}

type Desk = {
  readonly chain: MemoryChain
  readonly contract: Contract
  readonly table: EmergencyTable
  readonly credentials: CredentialTable
  readonly account: Address
}

function requireLive({ contract, table, credentials }: Desk, credential: Uint8Array, time: number): Address {
  const responder = table.responders.get(toHex(credential))
  if (!responder || !isLive(credentials, credential, time)) throw contract.refuse('NotCredentialed')
  return responder
}

/** What EmergencyAccess does. */
export function memoryEmergencies(
  chain: MemoryChain,
  table: EmergencyTable,
  by: { readonly credentials: CredentialTable; readonly account: Address },
): Emergencies {
  const desk = { chain, contract: chain.contract('EmergencyAccess@1'), table, ...by }
  return { ...asking(desk), ...enrolling(desk), ...answering(desk) }
}

function answering(desk: Desk): Pick<Emergencies, 'approve' | 'veto' | 'review'> {
  const { contract } = desk
  const { requests, responders, barred } = desk.table
  const known = (tag: Uint8Array): Asked => {
    const found = requests.get(toHex(tag))
    if (!found) throw contract.refuse('UnknownTag')
    return found
  }
  return {
    async approve(input) {
      checkMessage(input)
      const { tag, credential, deadline, signature } = input
      checkHash(credential, 'credential id')
      return contract.write((time, emit) => {
        const asked = known(tag)
        if (asked.opensAt !== null && asked.second && equal(asked.second, credential)) return
        if (asked.opensAt !== null || stateOf(asked, time) !== 'waiting') throw contract.refuse('NotWaiting')
        const same = equal(asked.credential, credential) || asked.responder === responders.get(toHex(credential))
        if (same) throw contract.refuse('NotSecond')
        const expected = requireLive(desk, credential, time)
        if (barred.has(barKey(asked.rules.veto, credential))) throw contract.refuse('Barred')
        requireMessage(contract, { time, deadline, expected, data: approveTypedData(contract.domain, input), signature })
        asked.second = credential.slice()
        asked.opensAt = Math.max(time, asked.requestedAt + asked.rules.delay)
        emit('Approved', { tag: tag.slice(), credential: credential.slice(), opensAt: asked.opensAt, closesAt: closing(asked) })
      })
    },
    async veto(input) {
      checkMessage(input)
      return contract.write((time, emit) => {
        const asked = known(input.tag)
        if (asked.vetoed) return
        const { veto } = asked.rules
        const data = vetoTypedData(contract.domain, input)
        requireMessage(contract, { time, deadline: input.deadline, expected: veto, data, signature: input.signature })
        asked.vetoed = true
        barred.add(barKey(veto, asked.credential))
        emit('Vetoed', { tag: input.tag.slice(), veto, credential: asked.credential.slice() })
      })
    },
    async review(input) {
      checkMessage(input)
      const { tag, reviewHash, deadline, signature } = input
      checkHash(reviewHash, 'review')
      return contract.write((time, emit) => {
        const asked = known(tag)
        if (reviewHash.every(byte => byte === 0)) throw contract.refuse('EmptyReview')
        if (asked.reviewHash && equal(asked.reviewHash, reviewHash)) return
        if (asked.reviewHash) throw contract.refuse('AlreadyReviewed')
        const data = reviewTypedData(contract.domain, input)
        requireMessage(contract, { time, deadline, expected: asked.rules.veto, data, signature })
        asked.reviewHash = reviewHash.slice()
        emit('Reviewed', { tag: tag.slice(), reviewHash: reviewHash.slice() })
      })
    },
  }
}

function asking(desk: Desk): Pick<Emergencies, 'request' | 'ask'> {
  const { chain, contract } = desk
  const { requests, barred, recent } = desk.table
  const counted = (credential: Uint8Array, time: number): readonly number[] => {
    const times = recent.get(toHex(credential)) ?? []
    const minute = Math.floor(time / MINUTE)
    const [oldest] = times
    if (times.length === LIMIT && oldest! + DAY / MINUTE > minute) throw contract.refuse('TooMany')
    return [...times, minute].slice(-LIMIT)
  }
  const isPreauthorised = ({ credential, rules, preauthorisation: given }: Ask, time: number): boolean => {
    if (!given || given.signature === '0x') return false
    if (given.until <= time) throw contract.refuse('PreauthorisationOver')
    const data = preauthoriseTypedData(contract.domain, { credential, until: given.until })
    requireMessage(contract, { time, deadline: time, expected: rules.veto, data, signature: given.signature })
    return true
  }
  const opening = (rules: EmergencyRules, time: number): number | null => (rules.persons === 2 ? null : time + rules.delay)

  return {
    async request(tag) {
      checkHash(tag, 'tag')
      const found = requests.get(toHex(tag))
      if (!found) return null
      const { responder: _, vetoed: __, ...shown } = found
      return { ...shown, closesAt: closing(found), state: stateOf(found, chain.time()) }
    },
    async ask(input) {
      checkAsk(input)
      const { tag, reasonHash, credential, rules, deadline, signature } = input
      return contract.write((time, emit) => {
        const before = requests.get(toHex(tag))
        if (before && equal(before.credential, credential) && before.rules.veto === rules.veto) return
        if (before) throw contract.refuse('TagTaken')
        if (!sane(rules)) throw contract.refuse('InvalidRules')
        const responder = requireLive(desk, credential, time)
        if (barred.has(barKey(rules.veto, credential))) throw contract.refuse('Barred')
        const times = counted(credential, time)
        requireMessage(contract, { time, deadline, expected: responder, data: requestTypedData(contract.domain, input), signature })
        const opensAt = isPreauthorised(input, time) ? time : opening(rules, time)
        const made: Asked = {
          credential: credential.slice(),
          responder,
          rules,
          requestedAt: time,
          reasonHash: reasonHash.slice(),
          second: null,
          opensAt,
          vetoed: false,
          reviewHash: null,
        }
        requests.set(toHex(tag), made)
        recent.set(toHex(credential), times)
        const ids = { tag: tag.slice(), credential: credential.slice(), veto: rules.veto, reasonHash: reasonHash.slice() }
        emit('Requested', { ...ids, opensAt: opensAt ?? 0, closesAt: closing(made) ?? 0 })
      })
    },
  }
}

function enrolling({ contract, table: { responders }, credentials, account }: Desk): Pick<Emergencies, 'enrol' | 'responder'> {
  return {
    async enrol(credential, responder) {
      checkHash(credential, 'credential id')
      checkAddress(responder, 'responder')
      return contract.write((_time, emit) => {
        if (credentials.credentials.get(toHex(credential))?.issuer !== account) throw contract.refuse('NotIssuer')
        if ((responders.get(toHex(credential)) ?? ZERO_ADDRESS) === responder) return
        if (responder === ZERO_ADDRESS) responders.delete(toHex(credential))
        else responders.set(toHex(credential), responder)
        emit('ResponderEnrolled', { credential: credential.slice(), responder })
      })
    },
    async responder(credential) {
      checkHash(credential, 'credential id')
      return responders.get(toHex(credential)) ?? null
    },
  }
}
