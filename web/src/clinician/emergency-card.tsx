import { Button, FileButton, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Banner, Panel } from '#parts/page.tsx'
import { codeInPhoto } from '#parts/qr-read.ts'
import { Failed } from '#parts/state.tsx'
import type { CardRead } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import { Camera } from './emergency-camera.tsx'

const LINE = 'keepwell:emergency#'

type InputProps = { readonly onCard: (card: { readonly text: string; readonly read: CardRead }) => void }

/** A card by camera, by a photo, or as the text that another camera showed. Nothing of it is sent. */
export function CardInput({ onCard }: InputProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [text, setText] = useState('')
  const [noCode, setNoCode] = useState(false)
  const reading = useDo(async (given: string) => onCard({ text: given, read: await api.readEmergencyCard(given) }))
  const photo = useDo(async (file: File) => {
    const found = await codeInPhoto(file).catch(() => null)
    setNoCode(!found?.includes(LINE))
    if (found?.includes(LINE)) reading.run(found)
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    reading.run(text)
  }
  return (
    <Panel title={t('aid.scan')} icon="scan">
      <form className="kw-stack kw-form" onSubmit={submit}>
        <div className="kw-row">
          <Camera accept={found => found.includes(LINE)} onText={found => reading.run(found)} />
          <FileButton accept="image/*" onChange={file => file && photo.run(file)}>
            {props => (
              <Button {...props} size="lg" variant="light" loading={photo.busy}>
                {t('aid.photo')}
              </Button>
            )}
          </FileButton>
        </div>
        {noCode && (
          <Banner tone="warn" urgent>
            {t('aid.noCode')}
          </Banner>
        )}
        <Textarea
          label={t('aid.text')}
          rows={5}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={e => setText(e.currentTarget.value)}
        />
        {reading.error !== null && <Failed error={reading.error} />}
        <div>
          <Button type="submit" variant="default" disabled={!text.includes(LINE)} loading={reading.busy}>
            {t('aid.read')}
          </Button>
        </div>
      </form>
    </Panel>
  )
}
