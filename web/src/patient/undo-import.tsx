import { useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Banner } from '#parts/page.tsx'
import type { Undone } from '#rpc/entry.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

type UndoProps = {
  readonly id: string
  /** One file of it; the whole import when absent. */
  readonly file?: number
  readonly records: number
  readonly onClose: (done: boolean) => void
}

/** Takes an import back: says what that is, asks once, and shows the receipts. */
export function UndoImport({ id, file, records, onClose }: UndoProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const [done, setDone] = useState<Undone | null>(null)
  const [erased, setErased] = useState(0)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const undoing = useDo(async () => {
    const control = new AbortController()
    stop.current = control
    const progress = (p: unknown): void => setErased((p as { readonly records: number }).records)
    setDone(await api.undoImport({ id, ...(file === undefined ? {} : { file }) }, { signal: control.signal, progress }))
  })
  return (
    <Confirm
      open
      title={n(file === undefined ? 'undo.title' : 'undo.titleFile', records)}
      cancel={t(done ? 'app.close' : 'app.cancel')}
      go={t('undo.go')}
      busy={undoing.busy}
      disabled={done !== null}
      error={undoing.error === null ? null : errorText(words, undoing.error)}
      onClose={() => onClose(done !== null)}
      onGo={() => undoing.run()}
    >
      {done ? (
        <Banner icon="check" urgent>
          {n('undo.done', done.records)} {done.at !== null && n('undo.receipts', done.receipts, { date: words.time(done.at) })}
        </Banner>
      ) : undoing.busy ? (
        <p role="status">{t('undo.working', { done: erased, count: records })}</p>
      ) : (
        <>
          <Consequences title={t('record.eraseWhat')} items={[t('undo.what1'), t('undo.what2'), t('undo.what3')]} />
          <Consequences title={t('record.eraseNot')} items={[t('record.erase3'), t('record.erase4'), t('record.erase5')]} />
        </>
      )}
    </Confirm>
  )
}
