import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, fromHex, utf8 } from '#base/bytes'
import { KeepwellError } from '#base/error'

/** EIP-712 typed data as wallets take it. Integers may be bigint, number or decimal text; bytes are hex with 0x. */
export type TypedData = {
  readonly domain: Readonly<Record<string, unknown>>
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>
  readonly primaryType: string
  readonly message: Readonly<Record<string, unknown>>
}

type Field = { readonly name: string; readonly type: string }

/** Members of EIP712Domain, in the order that the standard fixes. */
const DOMAIN: readonly Field[] = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
  { name: 'salt', type: 'bytes32' },
]

const refuse = (field: Field): never => {
  throw new KeepwellError('BAD_INPUT', `The typed data does not match its types: ${field.name} is not a ${field.type}.`)
}

type Types = TypedData['types']

/** keccak256 of 32-byte words one after the other: what `keccak256(abi.encode(...))` is for values of fixed size. */
export const wordsDigest = (...words: readonly Uint8Array[]): Uint8Array => keccak_256(concat(...words))

/** keccak256(0x19 0x01 ‖ hashStruct(domain) ‖ hashStruct(message)), EIP-712 "Definition of the signing digest". Throws BAD_INPUT. */
export function typedDataDigest({ domain, types, primaryType, message }: TypedData): Uint8Array {
  const own = { ...types, EIP712Domain: DOMAIN.filter(f => domain[f.name] !== undefined) }
  return keccak_256(concat(Uint8Array.of(0x19, 0x01), hashStruct(own, 'EIP712Domain', domain), hashStruct(own, primaryType, message)))
}

const fieldsOf = (types: Types, name: string): readonly Field[] => {
  const fields = Object.hasOwn(types, name) ? types[name] : undefined
  if (!fields) throw new KeepwellError('BAD_INPUT', `The typed data names no type ${name}.`)
  return fields
}

const element = (type: string): string => type.replace(/(\[\d*\])+$/, '')

/** encodeType: the struct, then those it refers to, by name. */
function encodeType(types: Types, name: string): string {
  const seen = new Set<string>()
  const visit = (struct: string): void => {
    if (seen.has(struct)) return
    seen.add(struct)
    for (const f of fieldsOf(types, struct)) if (Object.hasOwn(types, element(f.type))) visit(element(f.type))
  }
  visit(name)
  seen.delete(name)
  return [name, ...[...seen].sort()]
    .map(
      n =>
        `${n}(${fieldsOf(types, n)
          .map(f => `${f.type} ${f.name}`)
          .join(',')})`,
    )
    .join('')
}

function hashStruct(types: Types, name: string, values: unknown): Uint8Array {
  const fields = fieldsOf(types, name)
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return refuse({ name, type: 'struct' })
  const members = values as Readonly<Record<string, unknown>>
  const surplus = Object.keys(members).find(k => !fields.some(f => f.name === k))
  if (surplus !== undefined) throw new KeepwellError('BAD_INPUT', `The typed data does not match its types: ${name} has no ${surplus}.`)
  return keccak_256(concat(keccak_256(utf8(encodeType(types, name))), ...fields.map(f => encodeField(types, f, members[f.name]))))
}

/** encodeData: one 32-byte word a member. */
function encodeField(types: Types, field: Field, value: unknown): Uint8Array {
  const { type } = field
  const list = /^(.*)\[(\d*)\]$/.exec(type)
  if (list) return encodeList(types, { name: field.name, type: list[1]! }, { value, length: list[2] ? Number(list[2]) : null })
  if (Object.hasOwn(types, type)) return hashStruct(types, type, value)
  if (type === 'string') return typeof value === 'string' ? keccak_256(utf8(value)) : refuse(field)
  if (type === 'bytes') return keccak_256(hexOf(field, value))
  if (type === 'address') return word(hexOf(field, value, 20), 'right')
  if (type === 'bool') return typeof value === 'boolean' ? word(Uint8Array.of(value ? 1 : 0), 'right') : refuse(field)
  const fixed = /^bytes([1-9]|[12]\d|3[0-2])$/.exec(type)
  if (fixed) return word(hexOf(field, value, Number(fixed[1])), 'left')
  const integer = /^(u?)int(\d+)$/.exec(type)
  return integer ? encodeInteger(field, value, { bits: Number(integer[2]), signed: integer[1] === '' }) : refuse(field)
}

function encodeList(types: Types, item: Field, { value, length }: { value: unknown; length: number | null }): Uint8Array {
  if (!Array.isArray(value) || (length !== null && value.length !== length)) return refuse(item)
  return keccak_256(concat(...value.map(v => encodeField(types, item, v))))
}

function word(bytes: Uint8Array, side: 'left' | 'right'): Uint8Array {
  const out = new Uint8Array(32)
  out.set(bytes, side === 'left' ? 0 : 32 - bytes.length)
  return out
}

function hexOf(field: Field, value: unknown, length?: number): Uint8Array {
  if (typeof value !== 'string' || !/^0x([0-9a-fA-F]{2})*$/.test(value)) return refuse(field)
  const bytes = fromHex(value)
  return length !== undefined && bytes.length !== length ? refuse(field) : bytes
}

function encodeInteger(field: Field, value: unknown, { bits, signed }: { bits: number; signed: boolean }): Uint8Array {
  const whole =
    typeof value === 'bigint' ||
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'string' && /^-?\d{1,80}$/.test(value))
  if (!whole || bits % 8 || bits > 256 || bits === 0) return refuse(field)
  const n = BigInt(value as bigint | number | string)
  const [least, beyond] = signed ? [-(1n << BigInt(bits - 1)), 1n << BigInt(bits - 1)] : [0n, 1n << BigInt(bits)]
  if (n < least || n >= beyond) return refuse(field)
  return fromHex(BigInt.asUintN(256, n).toString(16).padStart(64, '0'))
}
