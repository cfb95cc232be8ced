import { Button } from '@mantine/core'
import { useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { codeInPhoto } from '#parts/qr-read.ts'
import { ReadCode } from '#parts/read-code.tsx'
import { Failed } from '#parts/state.tsx'
import { Card } from '#record/card-view.tsx'
import type { CardPart, CardsRead } from '#rpc/links.ts'
import { useWords } from '#words/context.tsx'

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code

/** A signed health card, as vaccination centres and laboratories give: read, checked with its issuer, and filed with what it holds. */
export function HealthCard() {
  const { t } = useWords()
  const { api } = useVault()
  const [codes, setCodes] = useState<readonly string[]>([])
  /** What was read or refused: a camera that sees it once more has nothing new. */
  const [tried, setTried] = useState<readonly string[]>([])
  const [part, setPart] = useState<CardPart | null>(null)
  const [read, setRead] = useState<CardsRead | null>(null)
  const reading = useDo(async (given: string) => {
    const all = /^\s*shc:\//.test(given) ? [...codes, given.trim()] : [given]
    const found = await api.readCard(all)
    if (found.kind === 'part') {
      setCodes(all)
      return setPart(found)
    }
    setRead(found)
  })
  const anew = (): void => {
    setCodes([])
    setTried([])
    setPart(null)
    setRead(null)
    reading.clear()
  }
  const fromFile = useDo(async (file: File) => {
    const text = file.type.startsWith('image/') ? ((await codeInPhoto(file)) ?? '') : await file.text()
    reading.run(text)
  })
  return (
    <Page title={t('card.title')} tab={t('nav.add')} lead={t('card.lead')} back={{ href: '#/add', label: t('add.title') }}>
      {read ? (
        <Seen read={read} onAnew={anew} />
      ) : (
        <Panel>
          <div className="kw-stack">
            {part && (
              <Banner icon="scan" urgent>
                {t('card.part', { have: part.have, of: part.of })}
              </Banner>
            )}
            <ReadCode
              form={/^shc:\//}
              known={tried}
              busy={reading.busy || fromFile.busy}
              failed={
                codeOf(reading.error) === 'BAD_INPUT' ? (
                  <Banner tone="warn" urgent>
                    {t('card.bad')}
                  </Banner>
                ) : (
                  reading.error !== null && <Failed error={reading.error} />
                )
              }
              noCamera={t('card.noCamera')}
              paste={t('card.paste')}
              onLink={given => {
                setTried(all => [...all, given])
                reading.run(given)
              }}
            />
            <FromFile label={t('card.file')} onFile={fromFile.run} />
          </div>
        </Panel>
      )}
    </Page>
  )
}

function FromFile({ label, onFile }: { readonly label: string; readonly onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div>
      <Button variant="default" onClick={() => input.current?.click()}>
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={label}
        accept=".smart-health-card,.json,.txt,image/*"
        onChange={e => {
          const file = e.currentTarget.files?.[0]
          e.currentTarget.value = ''
          if (file) onFile(file)
        }}
      />
    </div>
  )
}

function Seen({ read, onAnew }: { readonly read: CardsRead; readonly onAnew: () => void }) {
  const { t, n } = useWords()
  const { api } = useVault()
  const [taken, setTaken] = useState<{ readonly taken: number } | null>(null)
  const taking = useDo(async () => setTaken(await api.takeCard(read.content)))
  const some = read.cards.some(c => c.holds)
  return (
    <Panel>
      <div className="kw-stack">
        {read.cards.map(card => (
          <Card key={card.codes[0]} card={card} />
        ))}
        {some && !taken && <p className="kw-dim">{t('card.judge')}</p>}
        {taken && (
          <Banner icon="check" urgent>
            {taken.taken ? n('link.taken', taken.taken) : t('link.already')}
          </Banner>
        )}
        {taking.error !== null && <Failed error={taking.error} />}
        <div className="kw-row">
          {taken ? (
            <Button component="a" href="#/timeline">
              {t('add.see')}
            </Button>
          ) : (
            some && (
              <Button onClick={() => taking.run()} loading={taking.busy}>
                {t('card.take')}
              </Button>
            )
          )}
          <Button variant="default" onClick={onAnew}>
            {t('card.another')}
          </Button>
        </div>
      </div>
    </Panel>
  )
}
