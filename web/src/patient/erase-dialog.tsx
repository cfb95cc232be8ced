import { useEffect, useRef, useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Banner } from '#parts/page.tsx'
import type { Undone } from '#rpc/entry.ts'
import type { CallOptions } from '#rpc/rpc.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

type EraseDialogProps = {
  readonly title: string
  readonly records: number
  /** What will happen, said before what cannot be undone. */
  readonly what: readonly string[]
  readonly erase: (options: CallOptions) => Promise<Undone>
  readonly onClose: (done: boolean) => void
}

/** Erases many records: says what that is, asks once, and shows the receipts. It stops when the screen is left. */
export function EraseDialog({ title, records, what, erase, onClose }: EraseDialogProps) {
  const words = useWords()
  const { t, n } = words
  const [done, setDone] = useState<Undone | null>(null)
  const [erased, setErased] = useState(0)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const erasing = useDo(async () => {
    const control = new AbortController()
    stop.current = control
    const progress = (p: unknown): void => setErased((p as { readonly records: number }).records)
    setDone(await erase({ signal: control.signal, progress }))
  })
  return (
    <Confirm
      open
      title={title}
      cancel={t(done ? 'app.close' : 'app.cancel')}
      go={t('record.eraseGo')}
      busy={erasing.busy}
      disabled={done !== null}
      error={erasing.error === null ? null : errorText(words, erasing.error)}
      onClose={() => onClose(done !== null)}
      onGo={() => erasing.run()}
    >
      {done ? (
        <Banner icon="check" urgent>
          {n('undo.done', done.records)} {done.at !== null && n('undo.receipts', done.receipts, { date: words.time(done.at) })}
        </Banner>
      ) : erasing.busy ? (
        <p role="status">{t('undo.working', { done: erased, count: records })}</p>
      ) : (
        <>
          <Consequences title={t('record.eraseWhat')} items={what} />
          <Consequences title={t('record.eraseNot')} items={[t('record.erase3'), t('record.erase4'), t('record.erase5')]} />
        </>
      )}
    </Confirm>
  )
}
