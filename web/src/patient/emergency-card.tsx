import { Button, SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { QrCode } from '#parts/qr-code.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { saveBlob } from '#record/save.ts'
import { useWords } from '#words/context.tsx'

type Size = 'page' | 'wallet'

/** The card on screen and on paper: its words for people, its code for cameras. It is made here and sent nowhere. */
export function EmergencyCard() {
  const { t } = useWords()
  const { api } = useVault()
  const [size, setSize] = useState<Size>('wallet')
  const { value, error, again } = useAsk(() => api.emergencyCard(null), [], ['emergency'])
  const printing = useDo(async () => {
    window.print()
    await api.emergencyPrinted(null)
  })
  return (
    <Page
      title={t('emergency.card')}
      tab={t('emergency.title')}
      back={{ href: '#/emergency', label: t('emergency.title') }}
      lead={t('emergency.cardNote')}
    >
      <Panel>
        <div className="kw-stack">
          <div className="kw-row">
            <SegmentedControl
              aria-label={t('emergency.size')}
              value={size}
              onChange={v => setSize(v as Size)}
              data={(['wallet', 'page'] as const).map(v => ({ value: v, label: t(`emergency.${v}`) }))}
            />
            <Button
              leftSection={<Icon name="printer" size={20} />}
              onClick={() => printing.run()}
              disabled={!value}
              loading={printing.busy}
            >
              {t('emergency.printCard')}
            </Button>
            {value && (
              <Button
                variant="default"
                onClick={() => saveBlob(new Blob([value], { type: 'text/plain;charset=utf-8' }), 'emergency-card.txt')}
              >
                {t('emergency.saveCard')}
              </Button>
            )}
          </div>
          {value && 'NDEFReader' in window && <WriteTag text={value} />}
          {printing.error !== null && <Failed error={printing.error} />}
        </div>
      </Panel>
      {error && !value ? <Failed error={error} onRetry={again} /> : value ? <Paper text={value} size={size} /> : <Waiting />}
    </Page>
  )
}

/** Web NFC, which browsers have on some phones alone; TypeScript's library does not know it. */
type TagWriter = { write(message: { readonly records: readonly { readonly recordType: string; readonly data: string }[] }): Promise<void> }

/** The same text as in the code, as an NDEF text record. */
function WriteTag({ text }: { readonly text: string }) {
  const words = useWords()
  const { t } = words
  const [done, setDone] = useState(false)
  const writing = useDo(async () => {
    setDone(false)
    const Tag = Reflect.get(window, 'NDEFReader') as new () => TagWriter
    await new Tag().write({ records: [{ recordType: 'text', data: text }] })
    setDone(true)
  })
  const size = new TextEncoder().encode(text).length
  return (
    <div className="kw-stack kw-stack-tight">
      <div>
        <Button variant="default" loading={writing.busy} onClick={() => writing.run()}>
          {t('emergency.nfc')}
        </Button>
      </div>
      <p className="kw-dim kw-small">{t('emergency.nfcNote', { bytes: words.bytes(size) })}</p>
      {writing.busy && <p role="status">{t('emergency.nfcHold')}</p>}
      {done && (
        <Banner tone="good" urgent>
          {t('emergency.nfcDone')}
        </Banner>
      )}
      {writing.error !== null && <Failed error={writing.error} />}
    </div>
  )
}

const LINE = 'keepwell:emergency#'

function Paper({ text, size }: { readonly text: string; readonly size: Size }) {
  const { t } = useWords()
  const summary = text.slice(0, text.lastIndexOf(LINE)).trim()
  const [head = '', ...lines] = summary.split('\n')
  return (
    <article className="kw-paper kw-card" data-size={size}>
      <section className="kw-card-front">
        <h2>{head}</h2>
        {lines.map(line => (
          <p key={line}>{line}</p>
        ))}
      </section>
      <section className="kw-card-back">
        <QrCode text={text} label={t('emergency.code')} />
        <div>
          <p>
            <strong>{t('emergency.paperTitle')}</strong>
          </p>
          <p>{t('emergency.paper1')}</p>
          <p>{t('emergency.paper2')}</p>
        </div>
      </section>
    </article>
  )
}
