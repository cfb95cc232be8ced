import type { HoldItem } from '@keepwell/sdk/actions/records/hold-items'
import { ensure } from '@keepwell/sdk/base/error'
import { dicomwebArchive } from './dicomweb-archive.ts'
import { folderArchive } from './folder-archive.ts'

/** Where an organisation keeps its files. It is only ever read. */
export type Archive = {
  /** Files to attach; for a picture archive those of one study. */
  list(study?: string): AsyncIterable<HoldItem>
  /** Bytes of a file, fewer when it is shorter. Throws HELD_UNREACHABLE when it cannot be read. */
  read(ref: string, offset: number, length: number): Promise<Uint8Array>
}

export type ArchiveSettings = {
  /** Value of the `Authorization` header that a DICOMweb archive wants. */
  readonly authorization?: string
}

/** An archive by its name: `folder:/path` or `dicomweb:https://…`. */
export function openArchive(name: string, settings: ArchiveSettings = {}): Archive {
  const [, kind, at] = /^(folder|dicomweb):(.+)$/.exec(name) ?? []
  ensure(kind && at, 'BAD_INPUT', 'An archive is a folder or a DICOMweb service.')
  return kind === 'folder' ? folderArchive(at) : dicomwebArchive(at, settings)
}
