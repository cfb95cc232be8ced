import { readFileSync } from 'node:fs'
import { setDefaultCACertificates } from 'node:tls'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/**
 * From now on this process connects only to servers for whom one of the authorities in this file (PEM) vouches, whatever it connects for; those that
 * come with Node count no more. Throws USAGE for a file without certificates.
 */
export function trustOnly(file: string): void {
  try {
    const certificates = readFileSync(file, 'utf8').match(PEM) ?? []
    ensure(certificates.length > 0, 'USAGE', 'KEEPWELL_CA: there is no certificate (PEM) in that file.')
    setDefaultCACertificates(certificates)
  } catch (cause) {
    if (cause instanceof KeepwellError) throw cause
    throw new KeepwellError('USAGE', 'KEEPWELL_CA: that file cannot be read as certificates (PEM).', { cause })
  }
}
