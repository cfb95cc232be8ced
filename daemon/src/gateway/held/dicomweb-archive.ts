import { concat } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { boundaryOf, readMultipart } from '@keepwell/sdk/health/dicom/multipart'
import type { Archive, ArchiveSettings } from './archive.ts'

/** Of one instance; it is held in memory while it is read. */
const LARGEST = 512 << 20
/** Bytes of instances kept for the parts that are asked for next; the newest stays in any case. */
const KEPT = 128 << 20
const PATIENCE = 60_000
const UID = /^[0-9.]{1,64}$/
const STUDY = '0020000D'
const SERIES = '0020000E'
const INSTANCE = '00080018'

type Row = Readonly<Record<string, { readonly Value?: readonly unknown[] }>>

/** A picture archive that speaks DICOMweb (PS3.18 §10): found by QIDO-RS, read by WADO-RS in the transfer syntax it is kept in. */
export function dicomwebArchive(url: string, { authorization }: ArchiveSettings): Archive {
  const base = url.replace(/\/+$/, '')
  const recent = new Map<string, Promise<Uint8Array>>()

  async function get(path: string, accept: string): Promise<Response> {
    const headers = { accept, ...(authorization ? { authorization } : {}) }
    const answer = await fetch(`${base}/${path}`, { headers, redirect: 'error', signal: AbortSignal.timeout(PATIENCE) }).catch(cause => {
      throw new KeepwellError('HELD_UNREACHABLE', 'The picture archive does not answer.', { cause })
    })
    if (!answer.ok) throw new KeepwellError('HELD_UNREACHABLE', `The picture archive answers with status ${answer.status}.`)
    return answer
  }

  async function instance(ref: string): Promise<Uint8Array> {
    const known = recent.get(ref)
    recent.delete(ref)
    const found = known ?? retrieve(ref)
    recent.set(ref, found)
    found.catch(() => recent.delete(ref))
    await found
    await forget()
    return found
  }

  async function forget(): Promise<void> {
    let bytes = 0
    for (const [ref, kept] of [...recent].reverse()) {
      bytes += (await kept.catch(() => new Uint8Array(0))).length
      if (bytes > KEPT && ref !== [...recent.keys()].at(-1)) recent.delete(ref)
    }
  }

  async function retrieve(ref: string): Promise<Uint8Array> {
    const answer = await get(ref, 'multipart/related; type="application/dicom"; transfer-syntax=*')
    const parts: Uint8Array[] = []
    let length = 0
    try {
      const body = answer.body as AsyncIterable<Uint8Array> | null
      for await (const part of readMultipart(body ?? nothing(), boundaryOf(answer.headers.get('content-type') ?? undefined)))
        for await (const chunk of part.chunks) {
          length += chunk.length
          ensure(length <= LARGEST, 'TOO_LARGE', `An instance has at most ${LARGEST} bytes.`)
          parts.push(chunk.slice())
        }
    } catch (cause) {
      if (cause instanceof KeepwellError && cause.code === 'TOO_LARGE') throw cause
      throw new KeepwellError('HELD_UNREACHABLE', 'The picture archive’s answer breaks off or is none.', { cause })
    }
    ensure(length > 0, 'HELD_UNREACHABLE', 'The picture archive no longer has that image.')
    return concat(...parts)
  }

  return {
    async *list(study) {
      ensure(study && UID.test(study), 'BAD_INPUT', 'Name the study by its UID.')
      const rows = (await (await get(`studies/${study}/instances`, 'application/dicom+json')).json()) as readonly Row[]
      ensure(Array.isArray(rows), 'HELD_UNREACHABLE', 'The picture archive’s answer is no list.')
      for (const row of rows) {
        const [series, uid] = [SERIES, INSTANCE].map(tag => String(row[tag]?.Value?.[0] ?? ''))
        ensure(UID.test(series!) && UID.test(uid!), 'HELD_UNREACHABLE', `The picture archive leaves out UIDs (${STUDY}).`)
        const ref = `studies/${study}/series/${series}/instances/${uid}`
        const bytes = await instance(ref)
        yield {
          name: `${uid}.dcm`,
          ref,
          size: bytes.length,
          async *chunks() {
            yield bytes
          },
        }
      }
    },
    async read(ref, offset, length) {
      return (await instance(ref)).subarray(offset, offset + length)
    },
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
