import { findGoProgram, provideGoProgram } from './go.ts'

/** An S3 server over a folder, by others: the version our tests were written against. */
const SOURCE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'

export const findVersitygw = (): string | null => findGoProgram(SOURCE)
export const provideVersitygw = (): string | null => provideGoProgram(SOURCE)
