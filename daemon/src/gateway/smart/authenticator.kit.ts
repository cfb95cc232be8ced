import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

type Options = { readonly challenge: string; readonly rp?: { readonly id?: string }; readonly rpId?: string }

const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest()

/** An authenticator in software: one ES256 passkey that says its owner was verified. */
export function softPasskey(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const id = randomBytes(32)
  let counter = 0
  const client = (type: string, challenge: string) => Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
  const data = (rpId: string, flags: number, more: Uint8Array = new Uint8Array(0)) => {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(++counter)
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), count, more])
  }
  const coords = [x!, y!].map(c => Buffer.from(c, 'base64url'))
  // COSE_Key: {1: 2, 3: -7, -1: 1, -2: x, -3: y}
  const cose = Buffer.concat([Buffer.from('a5010203262001215820', 'hex'), coords[0]!, Buffer.from('225820', 'hex'), coords[1]!])
  return {
    id: b64(id),
    make(options: Options) {
      const length = Buffer.from([0, id.length])
      const auth = data(options.rp!.id!, 0x45, Buffer.concat([Buffer.alloc(16), length, id, cose]))
      const head = Buffer.from('a363666d74646e6f6e656761747453746d74a06861757468446174615', 'latin1')
      const attestation = Buffer.concat([Buffer.from(`${head.toString('latin1')}8`, 'hex'), Buffer.from([auth.length]), auth])
      return {
        id: b64(id),
        rawId: b64(id),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: b64(client('webauthn.create', options.challenge)),
          attestationObject: b64(attestation),
          transports: ['internal'],
        },
      }
    },
    /** `flags` 0x05: present and verified; 0x01: only present. */
    use(options: Options, flags = 0x05) {
      const auth = data(options.rpId!, flags)
      const json = client('webauthn.get', options.challenge)
      const signature = sign('sha256', Buffer.concat([auth, sha256(json)]), privateKey)
      return {
        id: b64(id),
        rawId: b64(id),
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON: b64(json), authenticatorData: b64(auth), signature: b64(signature) },
      }
    },
  }
}
