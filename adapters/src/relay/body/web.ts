/** Parts as one body: a Blob, which browsers neither copy nor send without its length. */
export const partsBody = (parts: readonly Uint8Array[]): RequestInit => ({ body: new Blob([...parts] as BlobPart[]) })
