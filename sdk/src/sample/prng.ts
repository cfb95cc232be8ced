/**
 * A repeatable source of numbers for made-up data: xoshiro128** (Blackman and Vigna, 2018, public domain) seeded from a string by
 * splitmix-style mixing. Not cryptography: whoever knows the seed knows everything.
 */

export type Prng = {
  /** Uniform in 0 … 2^32 − 1. */
  readonly uint32: () => number
  /** Uniform in [0, 1). */
  readonly float: () => number
  /** Uniform integer in [from, to], both included. */
  readonly int: (from: number, to: number) => number
  /** Roughly normal (Irwin–Hall of four), for body measures. */
  readonly normal: (mean: number, deviation: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(items: readonly T[]) => T
  /** A UUID of version 4 form. */
  readonly uuid: () => string
  /** An independent stream for a part, so that changing one part leaves the others as they are. */
  readonly fork: (label: string) => Prng
}

function mix(seed: string): [number, number, number, number] {
  let h = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) h = Math.imul(h ^ seed.charCodeAt(i), 0x01000193)
  const next = (): number => {
    h = (h + 0x9e3779b9) | 0
    let z = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  return [next(), next(), next(), next() | 1]
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k))
const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

export function prng(seed: string): Prng {
  let [a, b, c, d] = mix(seed)
  const uint32 = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11)
    return result
  }
  const float = (): number => uint32() / 4_294_967_296
  const int = (from: number, to: number): number => from + Math.floor(float() * (to - from + 1))
  const byteHex = (word: number): string => HEX[word & 255]! + HEX[(word >>> 8) & 255]! + HEX[(word >>> 16) & 255]! + HEX[word >>> 24]!
  const uuid = (): string => {
    const w = byteHex(uint32()) + byteHex(uint32()) + byteHex(uint32()) + byteHex(uint32())
    const variant = '89ab'[Number.parseInt(w[16]!, 16) & 3]!
    return `${w.slice(0, 8)}-${w.slice(8, 12)}-4${w.slice(13, 16)}-${variant}${w.slice(17, 20)}-${w.slice(20)}`
  }
  return {
    uint32,
    float,
    int,
    normal: (mean, deviation) => mean + (float() + float() + float() + float() - 2) * deviation * 1.732,
    chance: probability => float() < probability,
    pick: items => items[int(0, items.length - 1)]!,
    uuid,
    fork: label => prng(`${seed}/${label}`),
  }
}
