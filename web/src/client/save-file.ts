import { RemoteError } from '#rpc/rpc.ts'

type Picker = (options: { readonly suggestedName: string }) => Promise<FileSystemFileHandle>

/**
 * Where a large file is to go, asked of the person before it is made, so that it need not be held in memory. Null where the browser
 * cannot: then it is saved when it is whole. Throws CANCELLED.
 */
export async function chooseTarget(suggestedName: string): Promise<FileSystemFileHandle | null> {
  const pick = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker
  if (!pick) return null
  try {
    return await pick({ suggestedName })
  } catch (e) {
    if ((e as { name?: unknown }).name === 'AbortError') throw new RemoteError('CANCELLED', 'No file was chosen.')
    return null
  }
}
