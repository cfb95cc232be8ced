/**
 * Files that a party keeps beside its record: backups. Each is sealed before it comes here.
 *
 * - `write` makes a file or replaces one of that name as a whole: what was there stays until the new one is durable. Returns its size in bytes.
 * - `read` throws NOT_FOUND for a name that is not there; `remove` of one is no work.
 */
export interface Shelf {
  list(): Promise<readonly string[]>
  read(name: string): AsyncIterable<Uint8Array>
  write(name: string, content: AsyncIterable<Uint8Array>): Promise<number>
  remove(name: string): Promise<void>
}
