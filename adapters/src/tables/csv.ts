import { KeepwellError } from '@keepwell/sdk/base/error'
import { type CsvError, parse } from 'csv-parse'

export type CsvRow = {
  /** From 1, the header not counted. */
  readonly number: number
  readonly values: Readonly<Record<string, string>>
}
/** A row that is no row of this table: other columns than the header names, or quotes that do not close. */
export type CsvFault = { readonly number: number; readonly fault: string }

export type CsvOptions = { readonly delimiter: string; readonly encoding: string }

/** Characters of one row: beyond it a quote was left open, most likely. */
const MAX_ROW = 1 << 20

async function* decoded(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<string> {
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(encoding)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The mapping names an encoding that nobody knows.', { cause })
  }
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

/**
 * The rows of a CSV file (RFC 4180), one after the other, however large it is. A row that does not fit its header comes as a fault and
 * the next ones as they are. Throws UNREADABLE where the file cannot be read on.
 */
export async function* readCsv(chunks: AsyncIterable<Uint8Array>, { delimiter, encoding }: CsvOptions): AsyncGenerator<CsvRow | CsvFault> {
  const faults: CsvFault[] = []
  let number = 0
  const parser = parse({
    bom: true,
    columns: (names: string[]) => names.map(n => n.trim()),
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_ROW,
    skip_empty_lines: true,
    relax_quotes: false,
    skip_records_with_error: true,
    info: true,
    on_skip: (e: CsvError | undefined): undefined => {
      faults.push({ number: ++number, fault: faultOf(e) })
      // Nobody can say where the next row begins.
      if (e?.code === 'CSV_MAX_RECORD_SIZE')
        parser.destroy(new KeepwellError('UNREADABLE', `Row ${number} has no end; a quote is left open.`))
    },
    on_record: (record: { record: Record<string, string> }) => ({ number: ++number, values: record.record }),
  })
  const feeding = feed(parser, decoded(chunks, encoding))
  try {
    for await (const row of parser as AsyncIterable<CsvRow>) {
      while (faults.length && faults[0]!.number < row.number) yield faults.shift()!
      yield row
    }
    yield* faults
    await feeding
  } catch (cause) {
    if (cause instanceof KeepwellError) throw cause
    throw new KeepwellError('UNREADABLE', `The table cannot be read beyond row ${number}.`, { cause })
  }
}

const FAULTS: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_COLUMNS: 'it has another number of columns than the header',
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: 'it has another number of columns than the header',
}
const faultOf = (e: CsvError | undefined): string => FAULTS[e?.code ?? ''] ?? 'its quotes do not close'

async function feed(parser: NodeJS.WritableStream & { destroy(e?: Error): void }, text: AsyncIterable<string>): Promise<void> {
  try {
    for await (const piece of text) if (!parser.write(piece)) await new Promise(resolve => parser.once('drain', resolve))
    parser.end()
  } catch (e) {
    parser.destroy(e as Error)
  }
}
