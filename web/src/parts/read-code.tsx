import { Button, Textarea } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useWords } from '#words/context.tsx'
import { Icon } from './icon.tsx'
import { Banner } from './page.tsx'
import { QrScanner } from './qr-scanner.tsx'
import { Waiting } from './state.tsx'

type ReadProps = {
  /** What a camera must have seen to be taken for the code. */
  readonly form: RegExp
  /** Codes that were read already, where one after another is wanted: the camera stays on and waits for the next, until this part is gone. */
  readonly known?: readonly string[]
  readonly busy: boolean
  /** What went wrong with the last one. */
  readonly failed: ReactNode
  readonly noCamera: string
  readonly paste: string
  readonly onLink: (link: string) => void
}

const hasCamera = (): boolean => window.isSecureContext && 'mediaDevices' in navigator

/** Another screen's code: read by the camera, or pasted as the link it stands for. */
export function ReadCode({ form, known, busy, failed, noCamera, paste, onLink }: ReadProps) {
  const { t } = useWords()
  const [camera, setCamera] = useState<'off' | 'on' | 'failed'>(hasCamera() ? 'off' : 'failed')
  const [text, setText] = useState('')
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    onLink(text)
  }
  const found = (link: string): boolean => {
    // One at a time: what comes while another is read is still before the camera afterwards.
    if (busy || !form.test(link) || known?.includes(link)) return false
    if (!known) setCamera('off')
    onLink(link)
    return !known
  }
  if (busy && camera !== 'on') return <Waiting />
  return (
    <div className="kw-stack kw-form">
      {camera === 'off' && (
        <div>
          <Button leftSection={<Icon name="scan" size={20} />} onClick={() => setCamera('on')}>
            {t('admit.scan')}
          </Button>
        </div>
      )}
      {camera === 'on' && (
        <>
          <p role="status">{t('admit.scanning')}</p>
          <QrScanner label={t('admit.picture')} onText={found} onFailed={() => setCamera('failed')} />
          <div>
            <Button variant="default" onClick={() => setCamera('off')}>
              {t('admit.stop')}
            </Button>
          </div>
        </>
      )}
      {camera === 'failed' && <Banner icon="scan">{noCamera}</Banner>}
      <form className="kw-stack" onSubmit={submit}>
        <Textarea
          label={paste}
          rows={3}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={e => setText(e.currentTarget.value)}
        />
        {failed}
        <div>
          <Button type="submit" variant="default" disabled={!text.trim()}>
            {t('admit.read')}
          </Button>
        </div>
      </form>
    </div>
  )
}
