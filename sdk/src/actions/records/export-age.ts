import { Encrypter } from 'age-encryption'
import { ensure, KeepwellError } from '#base/error'

/** Hybrid post-quantum recipients of age (https://c2sp.org/age): ML-KEM-768 with X25519. */
const POST_QUANTUM = 'age1pq1'
const CLASSICAL = /^age1[02-9ac-hj-np-z]{58}$/

/** Refuses recipients that age would not, for a file is only as safe as its weakest recipient. */
export function checkRecipients(recipients: readonly string[]): void {
  ensure(recipients.length > 0, 'BAD_INPUT', 'Name at least one age recipient.')
  const hybrid = recipients.filter(r => r.startsWith(POST_QUANTUM))
  const others = recipients.filter(r => !r.startsWith(POST_QUANTUM))
  ensure(
    others.every(r => CLASSICAL.test(r)),
    'BAD_INPUT',
    'A recipient is none that age knows; it begins with age1pq1 or age1.',
  )
  ensure(
    hybrid.length === 0 || others.length === 0,
    'BAD_INPUT',
    'Post-quantum and classical recipients cannot be mixed: the file would be only as safe as the classical ones.',
  )
}

/** Encrypts a stream to age recipients, all post-quantum or all classical; any age 1.3 opens it. */
export async function* encryptToAge(content: AsyncIterable<Uint8Array>, recipients: readonly string[]): AsyncGenerator<Uint8Array> {
  checkRecipients(recipients)
  const encrypter = new Encrypter()
  try {
    for (const r of recipients) encrypter.addRecipient(r)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'A recipient is malformed; copy it whole.', { cause })
  }
  const iterator = content[Symbol.asyncIterator]()
  const source = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next()
      if (next.done) controller.close()
      else controller.enqueue(next.value)
    },
    async cancel() {
      await iterator.return?.()
    },
  })
  const reader = (await encrypter.encrypt(source)).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
