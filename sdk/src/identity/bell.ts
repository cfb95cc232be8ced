import { type RandomBytes, utf8 } from '#base/bytes'
import { bytes, type Infer, int, list, nullable, object, optional, string } from '#base/shape'
import { hmacSha256 } from '#crypto/hash'
import { type Did, did } from './did.ts'
import { MAX_BELLS, MAX_WAKES, wakeDevice } from './wake.ts'

/** People to whom one bell is given. */
export const MAX_GIVEN = 64

const members = { relay: string(300), secret: bytes(32), mark: bytes(16) }
/** What a person gives to somebody they look after (protocol §7): where their bell is, what rings it, and a mark that says whose emergency it is. */
export const bell = object(members)
export type Bell = Infer<typeof bell>

/** What a custodian is told of a vault's bells: all of them, each time; `of` is whose devices they wake. */
export const bellList = object({
  v: int(1, 1),
  vault: did,
  /** A higher one replaces a lower, for a relay keeps no order. */
  version: int(1),
  bells: list(object({ of: did, ...members }), MAX_BELLS),
})
export type BellList = Infer<typeof bellList>

/** A contact's bell as it came last; null once it was taken back. */
export const contactBell = object({ at: int(), bell: nullable(bell) })

const told = { id: bytes(16), name: string(200), role: string(8), at: int() }
/** Somebody's emergency, as a custodian told it to a person whose bell it was given: which release, whose by the mark, and who asked. */
export const concern = object({ ...told, mark: bytes(16) })
export type Concern = Infer<typeof concern>

/** The one bell that a person has for all whom they look after. */
export const ownBell = object({
  secret: bytes(32),
  /** Key of the marks: nobody else knows which mark is whose. */
  marking: bytes(32),
  devices: list(object({ name: string(80), device: optional(bytes(16)), at: int(), wake: wakeDevice }), MAX_WAKES),
  /** The relay that was told of secret and devices as they are; absent while none was. */
  put: optional(string(300)),
  /** Who has it, and under which relay they were told of this secret. */
  given: list(object({ did, told: optional(string(300)) }), MAX_GIVEN),
  /** Emergencies that it was told of, by whose they are. */
  heard: list(object({ ...told, of: did }), MAX_GIVEN),
})
export type OwnBell = Infer<typeof ownBell>

export const newBell = (random: RandomBytes): OwnBell => ({ secret: random(32), marking: random(32), devices: [], given: [], heard: [] })

/** Other devices: the relay does not have it so. */
export const withDevices = ({ put: _old, ...bell }: OwnBell, devices: OwnBell['devices']): OwnBell => ({ ...bell, devices })

/** Another secret, of which neither the relay nor anybody was told: the one before wakes nobody as soon as the relay is. */
export const drawnAnew = ({ put: _old, ...bell }: OwnBell, random: RandomBytes): OwnBell => ({
  ...bell,
  secret: random(32),
  given: bell.given.map(({ did }) => ({ did })),
})

export const markOf = (marking: Uint8Array, of: Did): Uint8Array => hmacSha256(marking, utf8(of)).subarray(0, 16)

/** Names one release to those who have the bell, the same from each custodian, and nothing to anybody else. */
export const ringId = (secret: Uint8Array, tag: Uint8Array): Uint8Array => hmacSha256(secret, tag).subarray(0, 16)
