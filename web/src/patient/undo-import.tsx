import { useVault } from '#client/context.tsx'
import { useWords } from '#words/context.tsx'
import { EraseDialog } from './erase-dialog.tsx'

type UndoProps = {
  readonly id: string
  /** One file of it; the whole import when absent. */
  readonly file?: number
  readonly records: number
  readonly onClose: (done: boolean) => void
}

/** Takes an import back. */
export function UndoImport({ id, file, records, onClose }: UndoProps) {
  const { t, n } = useWords()
  const { api } = useVault()
  return (
    <EraseDialog
      title={n(file === undefined ? 'undo.title' : 'undo.titleFile', records)}
      records={records}
      what={[t('undo.what1'), t('undo.what2'), t('undo.what3')]}
      erase={options => api.undoImport({ id, ...(file === undefined ? {} : { file }) }, options)}
      onClose={onClose}
    />
  )
}
