import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '#http/free-port'

const PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so'
const BINARY = ['/usr/sbin/Orthanc', '/usr/bin/Orthanc'].find(existsSync)

/** Debian's packages orthanc, orthanc-dicomweb and dcmtk. */
export const hasOrthanc = BINARY !== undefined && existsSync(PLUGIN) && spawnSync('storescu', ['--version']).status === 0

export type Orthanc = {
  readonly url: string
  readonly dicomPort: number
  readonly folder: string
  readonly pid: number
  /** JSON or bytes in, JSON out; throws with what Orthanc said. */
  rest<T>(method: string, path: string, body?: unknown): Promise<T>
  bytes(path: string): Promise<Uint8Array>
  close(): Promise<void>
}

/** An Orthanc that knows one DICOMweb server, `keepwell`, as `docs/imaging.md` has an operator set it up. */
export async function startOrthanc(server: { readonly Url: string; readonly HttpHeaders?: Record<string, string> }): Promise<Orthanc> {
  const folder = mkdtempSync(join(tmpdir(), 'keepwell-orthanc-'))
  const [httpPort, dicomPort] = [await freePort(), await freePort()]
  const file = join(folder, 'orthanc.json')
  const settings = {
    Name: 'EDGE',
    StorageDirectory: join(folder, 'db'),
    IndexDirectory: join(folder, 'db'),
    HttpPort: httpPort,
    DicomPort: dicomPort,
    DicomAet: 'EDGE',
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
    UnknownSopClassAccepted: true,
    Plugins: [PLUGIN],
    DicomWeb: { Enable: true, Root: '/dicom-web/', Servers: { keepwell: { ChunkedTransfers: true, HasDelete: false, ...server } } },
  }
  writeFileSync(file, JSON.stringify(settings))
  const child = spawn(BINARY!, [file], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${httpPort}`
  const close = async (): Promise<void> => {
    if (child.exitCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`${url}/system`).then(
        r => r.ok,
        () => false,
      )
    )
      break
    if (tries > 300 || child.exitCode !== null) {
      await close()
      throw new Error('Orthanc does not start.')
    }
    await sleep(100)
  }
  return {
    url,
    dicomPort,
    folder,
    pid: child.pid!,
    async rest<T>(method: string, path: string, body?: unknown) {
      const answer = await fetch(`${url}${path}`, {
        method,
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body) }),
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
      return (text ? JSON.parse(text) : null) as T
    },
    bytes: async path => new Uint8Array(await (await fetch(`${url}${path}`)).arrayBuffer()),
    close,
  }
}
